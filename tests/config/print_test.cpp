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

// Changes the one field of the sections that has the given number, as little as possible. Returns its key.
std::string change(Config& config, std::size_t number, std::string const& file) {
    std::string changed;
    for (Section const& named : config.sections()) {
        config.find(named.name())->visit([&](Field const& field) {
            if (number-- != 0) { return; }
            changed = field.key;
            if (Int* const value = field.as<Int>()) {
                *value += static_cast<double>(*value) < field.range.high ? 1 : -1;
            } else if (double* const real = field.as<double>()) {
                *real = std::nextafter(*real, *real < field.range.high ? INFINITY : -INFINITY);
            } else if (bool* const truth = field.as<bool>()) {
                *truth = !*truth;
            } else if (std::size_t* const index = field.as<std::size_t>()) {
                *index = *index == 0 ? 1 : 0;
            } else {
                *field.as<std::string>() = file;
            }
        });
    }
    return changed;
}

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
    return config::apply(read_ini(folder.write("back.ini", text)), defaults());
}

TEST(ConfigPrint, EveryFieldChangesTheHashTextAndSurvivesTheRoundTrip) {
    TemporaryFolder const folder;
    std::string const file = folder.write("input # \"1\".txt", "text");
    Config const start = defaults();
    std::set<std::string> texts = {canonical_of(start)};
    std::size_t const fields = all_keys(defaults()).size();
    for (std::size_t i = 0; i < fields; ++i) {
        Config config = defaults();
        ASSERT_EQ(change(config, i, file), all_keys(defaults())[i].key);
        EXPECT_TRUE(texts.insert(canonical_of(config)).second) << all_keys(defaults())[i].name();
        std::string const ini = to_ini(config);
        Config const back = read_back(ini);
        EXPECT_EQ(to_ini(back), ini) << all_keys(defaults())[i].name();
        EXPECT_EQ(canonical_of(back), canonical_of(config)) << all_keys(defaults())[i].name();
    }
    EXPECT_EQ(texts.size(), fields + 1);
}

TEST(ConfigPrint, HasEverySectionInOrder) {
    std::string const ini = to_ini(defaults());
    EXPECT_TRUE(ini.starts_with("[seed]\nworld = -1\nmodel = -1\n"));
    EXPECT_NE(ini.find("\n\n[data]\ncorpus =\nsft =\n"), std::string::npos);
    EXPECT_NE(ini.find("\nbeta = 0.1\n"), std::string::npos);
    std::size_t place = 0;
    for (KeyHelp const& key : all_keys(defaults())) {
        place = ini.find("\n" + key.key + " =", place);
        ASSERT_NE(place, std::string::npos) << key.name();
    }
}

TEST(ConfigPrint, CanonicalIsOneLineAFieldInOrder) {
    EXPECT_EQ(canonical(TokenizerConfig{}), "vocabulary=640\n");
    EXPECT_TRUE(canonical(KtoConfig{.epochs = 7}).starts_with("epochs=7\nbatch=128\nloss=kto\nbeta=0.1\n"));
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
