// SPDX-License-Identifier: Apache-2.0
// A stage's key depends on what the stage reads, and on nothing else; and the stage reads nothing that its key leaves
// out.
#include "config/values.hpp"
#include "stages/reads.hpp"
#include "support/tiny.hpp"

#include <set>
#include <tuple>

namespace alignsweep::kinds {
namespace {

using testing::all_kinds;
using testing::digests_of;
using testing::finished_life;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

// Whether a stage of this kind may depend on a key, by its descriptor.
bool is_read(std::string const& name, config::KeyHelp const& key) {
    static std::map<std::string, stages::Names> names;
    auto const [found, fresh] = names.try_emplace(name);
    if (fresh) {
        auto const config = testing::tiny_config();
        stages::Reads reads(config, 3, {});
        kind(name).reads(reads);
        found->second = reads.names();
    }
    // Every stage is of one arithmetic.
    return found->second.contains(key.name()) || found->second.contains(key.section + ".*") ||
           key.name() == "run.arithmetic";
}

// Another valid value of a key.
std::string other_value(config::KeyHelp const& key, config::Config const& config, fs::path const& file) {
    auto const now = config::value_of(config, key.section, key.key);
    switch (key.kind) {
        case config::Kind::integer: {
            auto const high = key.allowed.rfind(" to ");  // "an integer from 1 to 4"
            bool const at_top = high != std::string::npos && std::stod(key.allowed.substr(high + 4)) <= now.number;
            return std::to_string(static_cast<std::int64_t>(now.number) + (at_top ? -1 : 1));
        }
        case config::Kind::number:
            return std::to_string(now.number > 0.5 ? now.number * 0.75 : now.number + 0.125);
        case config::Kind::boolean:
            return now.number != 0.0 ? "false" : "true";
        case config::Kind::file:
            return file.string();
        case config::Kind::choice:
            break;
    }
    std::string const list = key.allowed.substr(key.allowed.find(": ") + 2);  // "one of: a, b"
    std::string const first = list.substr(0, list.find(", "));
    if (first != now.text) { return first; }
    std::string const rest = list.substr(first.size() + 2);
    return rest.substr(0, rest.find(", "));
}

// A stage that refuses a value (dpo: one that its loss would ignore) has read it.
std::string key_of(std::string const& kind, config::Config const& config) {
    try {
        return make_stage(kind, config, 3, {}).key;
    } catch (core::ConfigError const&) { return "refused"; }
}

TEST(Identity, EachKeyOfTheConfigurationCountsForTheKindsThatReadIt) {
    TemporaryFolder folder;
    fs::path const file = folder.path() / "data.jsonl";
    std::ofstream(file) << "{}\n";
    auto const config = testing::tiny_config();
    for (auto const& described : all()) {
        std::string const kind = described.name;
        std::string const key_now = make_stage(kind, config, 3, {}).key;
        for (auto const& key : config::all_keys(config)) {
            auto changed = config;
            config::Entry const origin;
            config::assign(changed, key.section, key.key, other_value(key, config, file), origin);
            EXPECT_EQ(key_of(kind, changed) != key_now, is_read(kind, key)) << kind << ' ' << key.name();
        }
    }
}

// With real data the world is not read, and of the files only those that a stage opens.
TEST(Identity, OfRealDataEachStageReadsItsOwnFiles) {
    TemporaryFolder folder;
    auto config = testing::tiny_config();
    auto const write = [&](char const* name, char const* text) {
        std::ofstream(folder.path() / name) << text;
        return (folder.path() / name).string();
    };
    config.edit<config::DataConfig>().corpus = write("corpus.txt", "a");
    config.edit<config::DataConfig>().preferences = write("pairs.jsonl", "b");
    config.edit<config::DataConfig>().sft = write("sft.jsonl", "c");
    auto const reads_it = [&](char const* kind, auto change) {
        auto other = config;
        change(other);
        return make_stage(kind, other, 3, {}).key != make_stage(kind, config, 3, {}).key;
    };
    auto const thumbs = [&](config::Config& c) { c.edit<config::DataConfig>().thumbs = write("thumbs.jsonl", "d"); };
    EXPECT_FALSE(reads_it("corpus", thumbs));
    EXPECT_TRUE(reads_it("feedback", thumbs));
    auto const pairs = [&](config::Config& c) {
        c.edit<config::DataConfig>().preferences = write("others.jsonl", "e");
    };
    EXPECT_FALSE(reads_it("corpus", pairs));  // data.sft stands in for the chosen answers
    EXPECT_TRUE(reads_it("feedback", pairs));
    auto const sft = [](config::Config& c) { c.edit<config::DataConfig>().sft.clear(); };
    EXPECT_TRUE(reads_it("corpus", sft));
    EXPECT_FALSE(reads_it("feedback", sft));
    auto const world = [](config::Config& c) {
        c.edit<config::WorldConfig>().names += 1, c.edit<sources::FeedbackConfig>().people.flip = 0.2,
                                                  c.edit<config::CorpusConfig>().documents += 1;
    };
    EXPECT_FALSE(reads_it("corpus", world));
    EXPECT_FALSE(reads_it("feedback", world));
    auto const share = [](config::Config& c) { c.edit<config::DataConfig>().heldout_share = 0.3; };
    EXPECT_TRUE(reads_it("corpus", share));
    EXPECT_TRUE(reads_it("feedback", share));
    auto const skip = [](config::Config& c) { c.edit<config::DataConfig>().bad_rows = config::BadRows::skip; };
    EXPECT_TRUE(reads_it("corpus", skip));
    EXPECT_TRUE(reads_it("feedback", skip));
    // Stages of before there was a choice keep their keys.
    EXPECT_EQ(make_stage("feedback", config, 3, {}).identity.find("bad_rows"), std::string::npos);
}

// Another judge than the reward model reads what it judges by.
TEST(Identity, OnlineMethodsReadWhatTheirJudgeReads) {
    auto config = testing::tiny_config();
    auto const reads_it = [&](auto change) {
        auto other = config;
        change(other);
        return make_stage("online_kto", other, 3, {}).key != make_stage("online_kto", config, 3, {}).key;
    };
    auto const weight = [](config::Config& c) { c.edit<config::WorldConfig>().weight_polite = 2.0; };
    auto const flip = [](config::Config& c) { c.edit<sources::FeedbackConfig>().people.flip = 0.3; };
    for (auto const& [judge, world, people] : {std::tuple{"reward_model", false, false},
                                               std::tuple{"gold", true, false}, std::tuple{"annotators", true, true}}) {
        config::assign(config, "online_kto", "judge", judge, config::Entry{});
        EXPECT_EQ(reads_it(weight), world) << judge;
        EXPECT_EQ(reads_it(flip), people) << judge;
    }
}

TEST(Identity, TheTrialsSeedCountsAsEachOfItsSeeds) {
    auto const config = testing::tiny_config();
    auto apart = config;
    apart.edit<config::SeedConfig>().train = 3;
    EXPECT_EQ(make_stage("dpo", apart, 3, {}).key, make_stage("dpo", config, 3, {}).key);
    EXPECT_EQ(make_stage("dpo", apart, 4, {}).key, make_stage("dpo", config, 3, {}).key);
    EXPECT_NE(make_stage("dpo", config, 4, {}).key, make_stage("dpo", config, 3, {}).key);
    EXPECT_EQ(make_stage("reference", config, 4, {}).key, make_stage("reference", config, 3, {}).key);
}

TEST(Identity, InputsCount) {
    auto const config = testing::tiny_config();
    std::set<std::string> const keys{make_stage("dpo", config, 1, {}).key,
                                     make_stage("dpo", config, 1, {{"sft", "sft-1"}}).key,
                                     make_stage("dpo", config, 1, {{"sft", "sft-2"}}).key,
                                     make_stage("dpo", config, 1, {{"feedback", "sft-1"}}).key};
    EXPECT_EQ(keys.size(), 4U);
}

// The other side: with every key that a kind does not read set to something else, the stage leaves the same bytes.
TEST(Identity, NoStageReadsWhatItsKeyLeavesOut) {
    auto const& life = finished_life();
    for (auto const& kind : all_kinds) {
        auto config = life.config;
        for (auto const& key : config::all_keys(config)) {
            // Another data file would mean another kind of life: the inputs say which it is.
            if (is_read(kind, key) || key.kind == config::Kind::file) { continue; }
            config::assign(config, key.section, key.key, other_value(key, config, ""), config::Entry{});
        }
        TemporaryFolder folder;
        life.copy_inputs(kind, folder.path());
        auto const spec = make_stage(kind, config, 3, life.specs.at(kind).inputs);
        ASSERT_EQ(spec.id(), life.specs.at(kind).id());
        execute(spec, testing::host_of(folder.path()));
        EXPECT_EQ(digests_of(folder.path() / spec.id()), digests_of(life.of(kind))) << kind;
    }
}

TEST(Identity, UnknownKindIsABug) {
    EXPECT_THROW(static_cast<void>(make_stage("ppo", testing::tiny_config(), 1, {})), std::logic_error);
}

}  // namespace
}  // namespace alignsweep::kinds
