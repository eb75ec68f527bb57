// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"

#include "config/helpers.hpp"

#include <gtest/gtest.h>

#include <set>

namespace alignsweep::config {
namespace {

using core::ConfigError;
using testing::expect_error;
using testing::TemporaryFolder;

Entry at_line_12(std::string section, std::string key, std::string value) {
    return {std::move(section), std::move(key), std::move(value), "demo.ini", 12};
}

void expect_refused(std::string section, std::string key, std::string value,
                    std::initializer_list<std::string_view> parts) {
    Config config = defaults();
    std::string const before = to_ini(config);
    Entry const entry = at_line_12(std::move(section), std::move(key), std::move(value));
    expect_error<ConfigError>([&] { assign(config, entry); }, {"demo.ini:12: ", entry.name()});
    expect_error<ConfigError>([&] { assign(config, entry); }, parts);
    EXPECT_EQ(to_ini(config), before);
}

TEST(ConfigAssign, SetsEveryType) {
    Config config = defaults();
    assign(config, at_line_12("model", "depth", "3"));
    assign(config, at_line_12("corpus", "documents", "1e4"));
    assign(config, at_line_12("dpo", "beta", "0.25"));
    assign(config, at_line_12("model", "tied", "false"));
    assign(config, at_line_12("rlhf", "kl_estimator", "k3"));
    assign(config, at_line_12("sft", "learning_rate", "1e-3"));  // lives in the optimiser's struct
    EXPECT_EQ(config.get<ModelConfig>().depth, 3);
    EXPECT_EQ(config.get<CorpusConfig>().documents, 10000);
    EXPECT_EQ(config.get<DpoConfig>().rule.beta, 0.25);
    EXPECT_FALSE(config.get<ModelConfig>().tied);
    EXPECT_EQ(config.get<kinds::RlhfConfig>().kl_estimator, losses::KlEstimator::k3);
    EXPECT_EQ(value_of(config, "sft", "learning_rate").number, 1e-3);
    EXPECT_EQ(config.get<DpoConfig>().optimizer.learning_rate, defaults().get<DpoConfig>().optimizer.learning_rate);
}

TEST(ConfigAssign, TakesBothEndsOfARange) {
    Config config = defaults();
    assign(config, at_line_12("seed", "world", "-1"));
    assign(config, at_line_12("world", "fact_share", "0"));
    assign(config, at_line_12("world", "fact_share", "1"));
    assign(config, at_line_12("seed", "world", "9000000000000000"));
    EXPECT_EQ(config.get<SeedConfig>().world, 9'000'000'000'000'000);
    expect_refused("seed", "world", "-2", {"out of range", "from -1 to 9000000000000000"});
    expect_refused("world", "fact_share", "1.0000001", {"out of range", "a number from 0 to 1"});
    expect_refused("model", "depth", "0", {"model.depth = 0: out of range", "an integer from 1 to 512"});
    expect_refused("dpo", "beta", "0", {"out of range", "a number > 0"});
    expect_refused("dpo", "clip", "-1", {"out of range", "a number >= 0"});
}

TEST(ConfigAssign, RefusesWrongTypes) {
    expect_refused("model", "depth", "two", {"model.depth = two: not an integer", "an integer from 1 to 512"});
    expect_refused("model", "depth", "2.5", {"not an integer"});
    expect_refused("model", "depth", "", {"(nothing): not an integer"});
    expect_refused("dpo", "beta", "0,5", {"dpo.beta = 0,5: not a finite number", "a number > 0"});
    expect_refused("reward_model", "margin", "inf", {"not a finite number; allowed: a number"});
    expect_refused("reward_model", "margin", "nan", {"not a finite number"});
    for (auto const* text : {"yes", "1", "True", ""}) {
        expect_refused("model", "tied", text, {"not a truth value", "true or false"});
    }
    expect_refused("dpo", "schedule", "cosin", {"nearest: cosine", "one of: cosine, linear, constant"});
}

TEST(ConfigAssign, NamesTheNearestKey) {
    expect_refused("dpo", "btea", "1", {"unknown key dpo.btea (nearest: dpo.beta; allowed in [dpo]: epochs, batch, "});
    expect_refused("model", "vocabulary", "300", {"nearest: tokenizer.vocabulary"});
    expect_refused("dop", "beta", "1", {"unknown section dop", "nearest: dpo", "allowed: seed, world, ", "run, sweep"});
    expect_refused("dpo", "", "1", {"unknown key dpo."});
    Config config = defaults();
    expect_error<ConfigError>([&] { assign(config, parse_set("dpo.btea=1")); },
                              {"--set dpo.btea=1: unknown key dpo.btea"});
}

TEST(ConfigAssign, PathsAreRelativeToWhereTheyStand) {
    namespace fs = std::filesystem;
    Config config = defaults();
    assign(config, {"data", "corpus", "../texts/a b.txt", "/project/run/demo.ini", 3});
    EXPECT_EQ(config.get<DataConfig>().corpus, "/project/texts/a b.txt");
    assign(config, {"data", "corpus", "x.txt", "runs/demo.ini", 3});
    EXPECT_EQ(config.get<DataConfig>().corpus, (fs::current_path() / "runs/x.txt").string());
    assign(config, {"data", "corpus", "/data/./x.txt", "runs/demo.ini", 3});
    EXPECT_EQ(config.get<DataConfig>().corpus, "/data/x.txt");
    assign(config, parse_set("data.corpus=y.txt"));
    EXPECT_EQ(config.get<DataConfig>().corpus, (fs::current_path() / "y.txt").string());
    assign(config, {"data", "corpus", "", "runs/demo.ini", 3});
    EXPECT_EQ(config.get<DataConfig>().corpus, "");
}

TEST(ConfigApply, LaterEntriesOverrideEarlierOnes) {
    TemporaryFolder const folder;
    folder.write("base.ini", "[dpo]\nbeta = 0.2\nbatch = 8\nepochs = 2\n");
    auto const file = folder.write("demo.ini", "base = base.ini\n[dpo]\nbeta = 0.3\nbatch = 16\n[sweep]\nseed = 1\n");
    Config const config = config::apply(read_all({file}, {"dpo.batch=32", "sweep.seed=2"}), defaults());
    EXPECT_EQ(config.get<DpoConfig>().epochs, 2);
    EXPECT_EQ(config.get<DpoConfig>().rule.beta, 0.3);
    EXPECT_EQ(config.get<DpoConfig>().batch, 32);
    EXPECT_EQ(to_ini(config::apply({}, defaults())), to_ini(defaults()));
}

TEST(ConfigKeys, ListsEveryKeyOnce) {
    std::set<std::string> names;
    for (KeyHelp const& key : all_keys(defaults())) {
        EXPECT_TRUE(names.insert(key.name()).second) << key.name();
        EXPECT_FALSE(key.help.empty()) << key.name();
        EXPECT_FALSE(key.allowed.empty()) << key.name();
        Config config = defaults();  // a default must be a value that its own field takes
        EXPECT_NO_THROW(assign(config, at_line_12(key.section, key.key, key.default_value))) << key.name();
        EXPECT_EQ(value_of(config, key.section, key.key).text, key.default_value) << key.name();
    }
    ASSERT_TRUE(find_key("dpo", "beta", defaults()));
    EXPECT_EQ(find_key("dpo", "beta", defaults())->default_value, "0.1");
    EXPECT_EQ(find_key("dpo", "beta", defaults())->allowed, "a number > 0");
    EXPECT_EQ(find_key("rlhf", "kl_estimator", defaults())->allowed, "one of: k1, k3");
    EXPECT_EQ(find_key("data", "sft", defaults())->kind, Kind::file);
    EXPECT_FALSE(find_key("dpo", "gamma", defaults()));
    EXPECT_FALSE(find_key("", "", defaults()));
}

TEST(ConfigValue, HasANumberAndAText) {
    Config config = defaults();
    config.edit<kinds::RlhfConfig>().kl_estimator = losses::KlEstimator::k3;
    EXPECT_EQ(value_of(config, "rlhf", "kl_estimator").number, 1.0);
    EXPECT_EQ(value_of(config, "model", "tied").number, 1.0);
    EXPECT_EQ(value_of(config, "model", "tied").text, "true");
    EXPECT_EQ(value_of(config, "dpo", "beta").number, 0.1);
    EXPECT_THROW((void)value_of(config, "dpo", "no"), std::logic_error);
}

// Sets one entry on the defaults, then validates.
void expect_invalid(std::vector<std::string> const& sets, std::initializer_list<std::string_view> parts) {
    expect_error<ConfigError>([&] { kinds::program().validate(config::apply(read_all({}, sets), defaults())); }, parts);
}
void expect_valid(std::vector<std::string> const& sets) {
    EXPECT_NO_THROW(kinds::program().validate(config::apply(read_all({}, sets), defaults()))) << sets.front();
}

TEST(ConfigValidate, TheDefaultsAreValid) { EXPECT_NO_THROW(kinds::program().validate(defaults())); }

TEST(ConfigValidate, ChecksTheModelsShape) {
    expect_invalid({"model.heads=3"}, {"model.heads = 3 does not divide model.width = 64"});
    expect_invalid({"model.heads=64", "model.kv_heads=64"}, {"model.width = 64 / model.heads = 64 is 1", "even"});
    expect_invalid({"model.width=1024"}, {"model.width = 1024", "256", "at most 128"});
    expect_invalid({"model.kv_heads=3"}, {"model.kv_heads = 3 does not divide model.heads = 4"});
    expect_invalid({"model.kv_heads=8"}, {"model.kv_heads = 8"});
    expect_valid({"model.width=512"});
    expect_valid({"model.kv_heads=1"});
}

TEST(ConfigValidate, ChecksLengths) {
    expect_invalid({"pretrain.length=129"}, {"pretrain.length = 129", "model.context = 128"});
    expect_valid({"pretrain.length=128"});
    for (std::string const section : {"feedback", "rlhf", "online_dpo", "online_kto", "evaluate"}) {
        expect_invalid({section + ".max_new_tokens=128"},
                       {section + ".max_new_tokens = 128", "below model.context = 128"});
        expect_valid({section + ".max_new_tokens=127"});
    }
}

TEST(ConfigValidate, ChecksTheMinibatch) {
    expect_invalid({"rlhf.minibatch=129"}, {"rlhf.minibatch = 129", "rlhf.episodes = 128"});
    expect_valid({"rlhf.minibatch=128"});
}

TEST(ConfigValidate, SomethingMustBeDrawn) {
    std::vector<std::string> const shares = {"world.fact_share=0", "world.open_share=0", "world.harmless_share=0"};
    expect_valid(shares);
    auto none = shares;
    none.emplace_back("world.unsafe_share=0");
    expect_invalid(none, {"world.fact_share, world.open_share", "at least one must be above 0"});
    expect_invalid({"corpus.unsafe_complied=0", "corpus.unsafe_refused=0", "corpus.unsafe_rude=0"},
                   {"corpus.unsafe_complied", "are all 0"});
    expect_invalid(
        {"corpus.statements=0", "corpus.questions=0", "corpus.threads=0", "corpus.how_to=0", "corpus.small_talk=0"},
        {"corpus.statements"});
    expect_invalid({"corpus.reply_right=0", "corpus.reply_wrong=0", "corpus.reply_rude=0", "corpus.reply_rambling=0",
                    "corpus.reply_question=0"},
                   {"corpus.reply_right"});
}

TEST(ConfigValidate, AnAdaptiveKlCoefficientStaysPositive) {
    expect_valid({"rlhf.kl_control=adaptive"});
    expect_valid({"rlhf.kl_horizon=25"});  // not read
    expect_invalid({"rlhf.kl_control=adaptive", "rlhf.episodes=125", "rlhf.kl_horizon=25"},
                   {"rlhf.kl_horizon = 25", "above 25"});
    expect_valid({"rlhf.kl_control=adaptive", "rlhf.episodes=125", "rlhf.kl_horizon=25.5"});
    expect_valid({"rlhf.kl_control=annealed", "rlhf.kl_horizon=25"});
    expect_invalid({"rlhf.kl_control=annealed", "rlhf.kl_coef=0"}, {"rlhf.kl_coef = 0", "annealed"});
}

TEST(ConfigValidate, RealDataNeedsCorpusAndPreferences) {
    for (std::string const key : {"data.sft", "data.thumbs", "data.preferences"}) {
        expect_invalid({key + "=x"}, {key + " is given without data.corpus"});
    }
    expect_invalid({"data.corpus=x"}, {"data.corpus is given without data.preferences"});
    expect_invalid({"data.corpus=x", "data.sft=x"}, {"without data.preferences"});
    expect_valid({"data.corpus=x", "data.preferences=y"});
    expect_valid({"data.corpus=x", "data.preferences=y", "data.sft=z", "data.thumbs=t"});
    // Only the simulated world has an exact gold reward.
    expect_invalid({"data.corpus=x", "data.preferences=y", "rlhf.reward=gold"},
                   {"rlhf.reward = gold", "allowed: proxy"});
    expect_valid({"rlhf.reward=gold"});
}

TEST(ConfigValidate, RealDataHasNoOtherJudgeThanARewardModel) {
    std::vector<std::string> const real = {"data.corpus=x", "data.preferences=y"};
    for (std::string const judge : {"feedback.source=ai", "feedback.source=constitution", "online_dpo.judge=gold",
                                    "online_kto.judge=annotators"}) {
        expect_valid({judge});
        auto sets = real;
        sets.push_back(judge);
        expect_invalid(sets, {judge.substr(0, judge.find('=')), "needs the simulated world"});
    }
}

TEST(ConfigValidate, TheRewardModelKeepsTheHeadsWidth) {
    expect_invalid({"reward_model.width=24"}, {"reward_model.width = 24", "model.width / model.kv_heads = 16"});
    expect_invalid({"reward_model.width=16", "model.kv_heads=2"}, {"reward_model.width = 16", "= 32"});
    expect_valid({"reward_model.width=128"});
    expect_valid({"reward_model.width=32", "model.kv_heads=2"});
}

TEST(ConfigRewardModel, HasItsOwnSizeWithHeadsOfThePolicysWidth) {
    Config config = defaults();
    EXPECT_EQ(canonical(Section::of("model", kinds::reward_model_size(config))),
              canonical(Section::of("model", config.get<ModelConfig>())));
    config.edit<RewardModelConfig>().width = config.get<ModelConfig>().width;
    config.edit<ModelConfig>().hidden = 171;  // of the same width: nothing is rounded
    EXPECT_EQ(canonical(Section::of("model", kinds::reward_model_size(config))),
              canonical(Section::of("model", config.get<ModelConfig>())));
    config.edit<ModelConfig>().hidden = 172;
    config.edit<RewardModelConfig>().depth = 5;
    config.edit<RewardModelConfig>().width = 96;
    auto size = kinds::reward_model_size(config);
    EXPECT_EQ(size.width, 96);
    EXPECT_EQ(size.depth, 5);
    EXPECT_EQ(size.heads, 6);
    EXPECT_EQ(size.kv_heads, 6);
    EXPECT_EQ(size.hidden, 260);  // 258 is as near to 256: upwards
    EXPECT_EQ(size.context, config.get<ModelConfig>().context);
    config.edit<ModelConfig>().kv_heads = 1;
    config.edit<RewardModelConfig>().width = 128;
    size = kinds::reward_model_size(config);
    EXPECT_EQ(size.heads, 8);
    EXPECT_EQ(size.kv_heads, 2);
}

}  // namespace
}  // namespace alignsweep::config
