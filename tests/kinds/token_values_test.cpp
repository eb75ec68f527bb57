// SPDX-License-Identifier: Apache-2.0
// token_values in both worlds: what its columns are, held against the models and against a second way to the number.
#include "kinds/token_values.hpp"

#include "sources/source.hpp"
#include "stats/prefix_values.hpp"
#include "store/manifest.hpp"
#include "support/prefixes.hpp"
#include "support/tiny.hpp"
#include "train/trainer.hpp"

#include <cmath>

namespace alignsweep::kinds {

namespace fs = std::filesystem;
namespace {

using testing::TemporaryFolder;
namespace fs = std::filesystem;

// A life in a world of three prompts with 13 responses each, and what each token is worth in it.
struct EnumerableLife {
    TemporaryFolder folder;
    config::Config config = testing::tiny_config();
    std::map<std::string, stages::StageSpec> specs;

    EnumerableLife() {
        config.edit<config::WorldConfig>().kind = config::WorldKind::enumerable;
        config.edit<config::EnumerableConfig>() = {.prompts = 3, .tokens = 4, .length = 2};
        config.edit<config::CorpusConfig>().documents = 100;
        config.edit<PretrainConfig>().length = 6;
        config.edit<PretrainConfig>().steps = 20;
        config.edit<sources::FeedbackConfig>().prompts = 40;
        config.edit<sources::FeedbackConfig>().max_new_tokens = config.edit<RlhfConfig>().max_new_tokens = 2;
        config.edit<TokenValuesConfig>().prompts = 1;
        specs = testing::life_of(config, 3);
        for (char const* kind : {"corpus", "pretrain", "sft", "feedback", "reward_model", "reference", "rlhf", "dpo"}) {
            run(kind);
        }
    }
    void run(std::string const& kind) const { execute(specs.at(kind), testing::host_of(folder.path())); }
    [[nodiscard]] fs::path of(std::string const& kind) const { return folder.path() / specs.at(kind).id(); }
    stages::PrefixData values_of(std::string const& kind) {
        specs["token_values"] = make_stage("token_values", config, 3,
                                           {{"corpus", specs.at("corpus").id()},
                                            {"model", specs.at(kind).id()},
                                            {"sft", specs.at("sft").id()},
                                            {"reward_model", specs.at("reward_model").id()}});
        run("token_values");
        return stages::load_prefixes(of("token_values"));
    }
};

EnumerableLife& enumerable_life() {
    static EnumerableLife life;
    return life;
}

TEST(TokenValues, ListEveryBeginningOnceWithItsOwnPredecessor) {
    auto const prefixes = enumerable_life().values_of("dpo");
    ASSERT_EQ(prefixes.size(), 3U * (4 + 13));
    double whole = 0.0;
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        auto const& tokens = prefixes.beginnings[i].completion;
        if (prefixes.finished[i] != 0) { whole += prefixes.weight[i]; }
        if (tokens.empty()) {
            EXPECT_EQ(prefixes.previous[i], -1);
            EXPECT_NEAR(prefixes.weight[i], 1.0, 1e-12);
            continue;
        }
        auto const before = static_cast<std::size_t>(prefixes.previous[i]);
        EXPECT_EQ(prefixes.beginnings[before].prompt, prefixes.beginnings[i].prompt);
        EXPECT_EQ(prefixes.beginnings[before].completion, stages::Tokens(tokens.begin(), tokens.end() - 1));
        EXPECT_EQ(prefixes.finished[before], 0);
    }
    EXPECT_NEAR(whole, 3.0, 1e-9);  // answers to three prompts
}

TEST(TokenValues, AWholeAnswerIsWorthItsReward) {
    auto& life = enumerable_life();
    auto const prefixes = life.values_of("rlhf");
    stages::StageHost const host = testing::host_of(life.folder.path());
    stages::Context context(life.specs.at("token_values"), host);
    auto const source = sources::open_source(context);
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        if (prefixes.finished[i] == 0) { continue; }
        double const gold = source->listed()->reward(prefixes.prompt[i], prefixes.beginnings[i].completion);
        for (char const* name : {"gold_sft", "gold_policy", "gold_soft", "gold_ended"}) {
            EXPECT_EQ(prefixes.exact.at(name)[i], gold) << name;
        }
        EXPECT_EQ(prefixes.exact.at("proxy_policy")[i], prefixes.estimates.at("score")[i]);
        EXPECT_EQ(prefixes.exact.at("proxy_soft")[i], prefixes.estimates.at("score")[i]);
        EXPECT_EQ(prefixes.estimates.at("value")[i], prefixes.estimates.at("score")[i]);
    }
}

// The mean over what follows is the value: V(x) = sum of pi(token) V(x, token), with pi from the model itself.
TEST(TokenValues, EveryBeginningIsWorthWhatFollowsIt) {
    auto& life = enumerable_life();
    auto const prefixes = life.values_of("dpo");
    int const chunk = static_cast<int>(life.config.get<config::ModelConfig>().chunk);
    infer::Weights const policy = infer::load_model(life.of("dpo")), sft = infer::load_model(life.of("sft"));
    infer::Transformer transformer(sft.shape);
    auto const logprobs = [&](infer::Weights const& weights) {
        return infer::sequence_logprobs(transformer, weights, infer::pointers(prefixes.beginnings), chunk);
    };
    auto const of_policy = logprobs(policy), of_sft = logprobs(sft);
    double const beta = life.config.get<DpoConfig>().rule.beta;
    std::vector<double> mean_sft(prefixes.size(), 0.0), mean_policy = mean_sft, soft = mean_sft, soft_score = mean_sft;
    auto const& exact = prefixes.exact;
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        EXPECT_NEAR(prefixes.estimates.at("implicit")[i], beta * (of_policy[i] - of_sft[i]), 1e-6);
        if (prefixes.previous[i] < 0) { continue; }
        auto const before = static_cast<std::size_t>(prefixes.previous[i]);
        double const p = std::exp(of_policy[i] - of_policy[before]), q = std::exp(of_sft[i] - of_sft[before]);
        mean_policy[before] += p * exact.at("gold_policy")[i];
        mean_sft[before] += q * exact.at("gold_sft")[i];
        soft[before] += q * std::exp(exact.at("gold_soft")[i] / beta);
        soft_score[before] += q * std::exp(exact.at("proxy_soft")[i] / beta);
    }
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        if (prefixes.finished[i] != 0) { continue; }
        EXPECT_NEAR(exact.at("gold_policy")[i], mean_policy[i], 1e-5);
        EXPECT_NEAR(exact.at("gold_sft")[i], mean_sft[i], 1e-5);
        EXPECT_NEAR(exact.at("gold_soft")[i], beta * std::log(soft[i]), 1e-5);
        EXPECT_NEAR(exact.at("proxy_soft")[i], beta * std::log(soft_score[i]), 1e-5);
        EXPECT_GE(exact.at("gold_soft")[i], exact.at("gold_sft")[i]);
    }
}

TEST(TokenValues, AValueModelIsReadWhereThereIsOne) {
    auto& life = enumerable_life();
    EXPECT_FALSE(life.values_of("dpo").estimates.contains("value"));
    auto const prefixes = life.values_of("rlhf");
    infer::Weights const weights = infer::load_value_model(life.of("rlhf"));
    infer::Transformer transformer(weights.shape);
    // As PPO reads it: at the row before each token.
    auto const values = infer::token_values(transformer, weights, infer::pointers(prefixes.beginnings), 4);
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        if (prefixes.previous[i] < 0) { continue; }
        EXPECT_NEAR(prefixes.estimates.at("value")[static_cast<std::size_t>(prefixes.previous[i])], values[i].back(),
                    1e-5);
    }
    auto const metrics = store::read_manifest(life.of("token_values"))->metrics;
    for (char const* name :
         {"within/score/gold_sft", "within/value/proxy_policy", "within/implicit/gold_soft", "all/score/gold_ended",
          "step/value/gold_policy", "step/implicit/gold_soft", "finished/score/gold"}) {
        ASSERT_TRUE(metrics.contains(std::string("eval/token/") + name)) << name;
        EXPECT_LE(std::fabs(metrics.at(std::string("eval/token/") + name)), 1.0 + 1e-12) << name;
    }
}

// With the truth for an estimate, its correlation is 1; with its negative, -1; and steps are differences.
TEST(TokenValues, ComparisonsFindTheTruth) {
    auto prefixes = enumerable_life().values_of("dpo");
    prefixes.estimates = {{"score", prefixes.exact.at("gold_soft")}, {"implicit", prefixes.exact.at("gold_soft")}};
    for (double& x : prefixes.estimates.at("score")) { x = 3.0 - 2.0 * x; }
    for (std::size_t i = 0; i < prefixes.size(); ++i) {  // up to a constant a prompt
        prefixes.estimates.at("implicit")[i] += 10.0 * static_cast<double>(prefixes.prompt[i]);
    }
    auto const metrics = compare_token_values(prefixes);
    EXPECT_NEAR(metrics.at("eval/token/within/implicit/gold_soft"), 1.0, 1e-12);
    EXPECT_NEAR(metrics.at("eval/token/step/implicit/gold_soft"), 1.0, 1e-12);
    EXPECT_LT(metrics.at("eval/token/all/implicit/gold_soft"), 0.9);
    EXPECT_NEAR(metrics.at("eval/token/all/score/gold_soft"), -1.0, 1e-12);
    EXPECT_LT(metrics.at("eval/token/within/implicit/gold_sft"), 1.0);
}

TEST(TokenValues, InTheTextWorldAreMeansOverContinuations) {
    auto const& life = testing::finished_life();
    auto const prefixes = stages::load_prefixes(life.of("token_values"));
    auto const& gold = prefixes.exact.at("gold_policy");
    auto const& error = prefixes.exact.at("gold_policy_error");
    std::size_t answers = 0;
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        std::size_t const length = prefixes.beginnings[i].completion.size();
        EXPECT_LE(length, static_cast<std::size_t>(life.config.get<EvaluateConfig>().max_new_tokens));
        EXPECT_EQ(prefixes.previous[i] < 0, length == 0);
        EXPECT_GE(gold[i], 0.0);
        EXPECT_LE(gold[i], 5.0);
        if (prefixes.finished[i] == 0) { continue; }
        ++answers;
        EXPECT_EQ(error[i], 0.0);
        EXPECT_EQ(gold[i], prefixes.exact.at("gold_sft")[i]);
    }
    EXPECT_EQ(answers, 2U * static_cast<std::size_t>(life.config.get<TokenValuesConfig>().prompts));
    auto const metrics = store::read_manifest(life.of("token_values"))->metrics;
    EXPECT_GT(metrics.at("eval/token/noise/within/gold_sft"), 0.0);
}

// Twice the samples of the same beginnings: the means agree within their errors.
TEST(TokenValues, MoreContinuationsAgreeWithFewer) {
    auto const& life = testing::finished_life();
    auto config = life.config;
    auto const run = [&](config::Int continuations) {
        TemporaryFolder folder;
        life.copy_inputs("token_values", folder.path());
        config.edit<TokenValuesConfig>().continuations = continuations;
        auto const spec = make_stage("token_values", config, 3, life.specs.at("token_values").inputs);
        execute(spec, testing::host_of(folder.path()));
        return stages::load_prefixes(folder.path() / spec.id());
    };
    auto const few = run(24), many = run(96);
    ASSERT_EQ(few.beginnings, many.beginnings);
    EXPECT_EQ(few.exact.at("gold_ended").front(), many.exact.at("gold_ended").front());
    double square = 0.0, expected = 0.0;
    for (std::size_t i = 0; i < few.size(); ++i) {
        auto const at = [&](stages::PrefixData const& data, char const* name) { return data.exact.at(name)[i]; };
        square += std::pow(at(few, "gold_sft") - at(many, "gold_sft"), 2);
        expected += std::pow(at(few, "gold_sft_error"), 2) + std::pow(at(many, "gold_sft_error"), 2);
    }
    EXPECT_GT(square, 0.0);
    EXPECT_LT(square, 3.0 * expected);
}

TEST(TokenValues, NeedAnAlignedPolicy) {
    auto const& life = testing::finished_life();
    TemporaryFolder folder;
    life.copy_inputs("token_values", folder.path());
    auto inputs = life.specs.at("token_values").inputs;
    inputs["model"] = inputs.at("sft");
    auto const spec = make_stage("token_values", life.config, 3, inputs);
    EXPECT_THROW(execute(spec, testing::host_of(folder.path())), core::IoError);
}

}  // namespace
}  // namespace alignsweep::kinds
