// SPDX-License-Identifier: Apache-2.0
// to_ini and canonical, over every field that the visitor lists.
#include "config/helpers.hpp"
#include "config/values.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <set>

namespace alignsweep::config {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TemporaryFolder;

// Changes the one field of the sections that has the given number, as little as possible.
class Change : public FieldVisitor {
public:
    Change(int number, std::string file) : left_(number), file_(std::move(file)) {}
    [[nodiscard]] std::string const& changed() const { return changed_; }

private:
    void integer(char const* key, Int& value, Range const& range, char const*) override {
        if (is_it(key)) { value += static_cast<double>(value) < range.high ? 1 : -1; }
    }
    void number(char const* key, double& value, Range const& range, char const*) override {
        if (is_it(key)) { value = std::nextafter(value, value < range.high ? INFINITY : -INFINITY); }
    }
    void truth(char const* key, bool& value, char const*) override {
        if (is_it(key)) { value = !value; }
    }
    void choice(char const* key, std::size_t& index, Choices const&, char const*, void const*) override {
        if (is_it(key)) { index = index == 0 ? 1 : 0; }
    }
    void file(char const* key, std::string& value, char const*) override {
        if (is_it(key)) { value = file_; }
    }
    bool is_it(char const* key) {
        bool const is = left_-- == 0;
        if (is) { changed_ = key; }
        return is;
    }

    int left_;
    std::string file_;
    std::string changed_;
};

// The canonical texts of all sections, one after the other.
std::string canonical_of(Config const& config) {
    std::string text;
    for (Section const& section : config.sections()) { text += section.name() + "\n" + canonical(section); }
    return text;
}

template <class Values>
std::string canonical(Values const& values) {
    return alignsweep::config::canonical(Section::of("section", values));
}

Config read_back(std::string const& text) {
    TemporaryFolder const folder;
    return apply(read_ini(folder.write("back.ini", text)));
}

TEST(ConfigPrint, EveryFieldChangesTheHashTextAndSurvivesTheRoundTrip) {
    TemporaryFolder const folder;
    std::string const file = folder.write("input # \"1\".txt", "text");
    Config const defaults;
    std::set<std::string> texts = {canonical_of(defaults)};
    std::size_t const fields = all_keys().size();
    for (std::size_t i = 0; i < fields; ++i) {
        Config config;
        Change change(static_cast<int>(i), file);
        for (Section const& section : defaults.sections()) { config.find(section.name())->visit(change); }
        ASSERT_EQ(change.changed(), all_keys()[i].key);
        EXPECT_TRUE(texts.insert(canonical_of(config)).second) << all_keys()[i].name();
        std::string const ini = to_ini(config);
        Config const back = read_back(ini);
        EXPECT_EQ(to_ini(back), ini) << all_keys()[i].name();
        EXPECT_EQ(canonical_of(back), canonical_of(config)) << all_keys()[i].name();
    }
    EXPECT_EQ(texts.size(), fields + 1);
}

TEST(ConfigPrint, HasEverySectionInOrder) {
    std::string const ini = to_ini(Config());
    EXPECT_TRUE(ini.starts_with("[seed]\nworld = -1\nmodel = -1\n"));
    EXPECT_NE(ini.find("\n\n[data]\ncorpus =\nsft =\n"), std::string::npos);
    EXPECT_NE(ini.find("\nbeta = 0.1\n"), std::string::npos);
    std::size_t place = 0;
    for (KeyHelp const& key : all_keys()) {
        place = ini.find("\n" + key.key + " =", place);
        ASSERT_NE(place, std::string::npos) << key.name();
    }
}

TEST(ConfigPrint, CanonicalIsOneLineAFieldInOrder) {
    EXPECT_EQ(canonical(TokenizerConfig{}), "vocabulary=640\n");
    EXPECT_TRUE(
        canonical(SftConfig{.epochs = 7}).starts_with("epochs=7\nbatch=32\nloss=completion\nlearning_rate=5e-04\n"));
    EXPECT_TRUE(canonical(DataConfig{}).starts_with("corpus=\nsft=\n"));
    EXPECT_TRUE(canonical(OptimizerConfig{.learning_rate = 1.0}).starts_with("learning_rate=1\n"));
}

TEST(ConfigPrint, CanonicalTakesTheContentOfFiles) {
    TemporaryFolder const folder;
    DataConfig one, two;
    one.corpus = folder.write("one.txt", "same");
    two.corpus = folder.write("two.txt", "same");
    EXPECT_EQ(canonical(one), canonical(two));
    EXPECT_EQ(canonical(one).find("one.txt"), std::string::npos);
    EXPECT_NE(canonical(one), canonical(DataConfig{}));
    folder.write("two.txt", "diff");  // same length, the same moment
    EXPECT_NE(canonical(one), canonical(two));

    DataConfig as_sft;
    as_sft.sft = one.corpus;
    EXPECT_NE(canonical(one), canonical(as_sft));

    DataConfig missing;
    missing.corpus = (folder.path() / "missing.txt").string();
    expect_error<core::IoError>([&] { (void)canonical(missing); }, {missing.corpus});
    missing.corpus = folder.path().string();
    expect_error<core::IoError>([&] { (void)canonical(missing); }, {missing.corpus});
}

TEST(ConfigPrint, DigestsAreCachedUntilSizeOrTimeChange) {
    TemporaryFolder const folder;
    fs::path const file = folder.write("x.txt", "abcd");
    auto const hour_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
    fs::last_write_time(file, hour_ago);
    std::string const first = digest_of_input(file);

    folder.write("x.txt", "efgh");
    fs::last_write_time(file, hour_ago);
    EXPECT_EQ(digest_of_input(file), first);  // as promised: nothing that the cache looks at has changed
    fs::last_write_time(file, hour_ago + std::chrono::seconds(1));
    std::string const second = digest_of_input(file);
    EXPECT_NE(second, first);
    folder.write("x.txt", "efghi");
    fs::last_write_time(file, hour_ago + std::chrono::seconds(1));
    EXPECT_NE(digest_of_input(file), second);
}

}  // namespace
}  // namespace alignsweep::config
