// SPDX-License-Identifier: Apache-2.0
// A tiny trial in the enumerable world, end to end, and its exact evaluation.
#include "kinds/evaluate.hpp"

#include "sources/source.hpp"
#include "stats/optimum.hpp"
#include "store/file.hpp"
#include "store/manifest.hpp"
#include "store/metrics.hpp"
#include "support/tiny.hpp"
#include "train/trainer.hpp"

#include <cmath>

namespace alignsweep::kinds {

namespace fs = std::filesystem;
namespace {

using testing::TemporaryFolder;

namespace fs = std::filesystem;

config::Config small_world(config::Int prompts, config::Int tokens, config::Int length) {
    auto c = testing::tiny_config();
    c.edit<config::WorldConfig>().kind = config::WorldKind::enumerable;
    c.edit<config::EnumerableConfig>().prompts = prompts;
    c.edit<config::EnumerableConfig>().tokens = tokens;
    c.edit<config::EnumerableConfig>().length = length;
    c.edit<config::CorpusConfig>().documents = 100;
    c.edit<PretrainConfig>().length = 6;
    c.edit<PretrainConfig>().steps = 20;
    c.edit<sources::FeedbackConfig>().prompts = 40;
    c.edit<sources::FeedbackConfig>().max_new_tokens = c.edit<RlhfConfig>().max_new_tokens =
        c.edit<OnlineDpoConfig>().online.max_new_tokens = c.edit<OnlineKtoConfig>().online.max_new_tokens = length;
    c.edit<sources::FeedbackConfig>().people.choice_temperature = 1.0;
    c.edit<sources::FeedbackConfig>().people.flip = 0.0;
    c.edit<RlhfConfig>().reward = EpisodeReward::gold;
    c.edit<RlhfConfig>().missing_end = MissingEnd::subtract;
    return c;
}

struct Life {
    TemporaryFolder folder;
    config::Config config;
    std::map<std::string, stages::StageSpec> specs;

    explicit Life(config::Config const& c) : config(c), specs(testing::life_of(c, 3)) {
        specs["rlhf"] = make_stage("rlhf", c, 3,
                                   {{"corpus", specs.at("corpus").id()},
                                    {"sft", specs.at("sft").id()},
                                    {"feedback", specs.at("feedback").id()}});
    }
    void run(std::vector<std::string> const& kinds) {
        for (auto const& kind : kinds) { execute(specs.at(kind), testing::host_of(folder.path())); }
    }
    [[nodiscard]] fs::path of(std::string const& kind) const { return folder.path() / specs.at(kind).id(); }
    // Evaluates a model; the metrics.
    std::map<std::string, double> evaluate(std::string const& kind) {
        specs["evaluate"] = make_stage(
            "evaluate", config, 3,
            {{"corpus", specs.at("corpus").id()}, {"model", specs.at(kind).id()}, {"sft", specs.at("sft").id()}});
        run({"evaluate"});
        return store::read_manifest(of("evaluate"))->metrics;
    }
};

std::vector<std::string> const to_feedback{"corpus", "pretrain", "sft", "feedback"};

TEST(Enumerable, EveryStageRunsAndTheGapIsBetaTimesTheKl) {
    Life life(small_world(3, 4, 2));
    life.run(to_feedback);
    life.run({"reward_model", "reference", "rlhf", "dpo", "kto"});
    for (auto const& [kind, beta] : {std::pair{"rlhf", life.config.get<RlhfConfig>().kl_coef},
                                     std::pair{"dpo", life.config.get<DpoConfig>().rule.beta},
                                     std::pair{"kto", life.config.get<KtoConfig>().rule.beta}}) {
        auto const metrics = life.evaluate(kind);
        double const gap = metrics.at("eval/exact/gap");
        EXPECT_GT(gap, 0.0) << kind;
        EXPECT_NEAR(gap, beta * metrics.at("eval/exact/kl_to_optimum"), 1e-9) << kind;
        EXPECT_NEAR(metrics.at("eval/exact/objective"), metrics.at("eval/gold_reward") - beta * metrics.at("eval/kl"),
                    1e-9);
        EXPECT_GE(metrics.at("eval/exact/optimum"), metrics.at("eval/exact/objective"));
        EXPECT_GT(metrics.at("eval/kl"), 0.0);
        EXPECT_EQ(metrics.at("eval/prompts"), 3.0);
    }
    // All 13 responses to each prompt, and their probabilities.
    auto const answers = stages::load_answers(life.of("evaluate"));
    EXPECT_EQ(answers.answers.size(), 39U);
    double total = 0.0, gold = 0.0;
    for (std::size_t i = 0; i < answers.weight.size(); ++i) {
        total += answers.weight[i];
        gold += answers.weight[i] * answers.gold[i];
    }
    EXPECT_NEAR(total, 1.0, 1e-9);
    EXPECT_NEAR(gold, life.evaluate("kto").at("eval/gold_reward"), 1e-9);
    store::FileReader const file(life.of("evaluate") / "data.h5");
    EXPECT_EQ(std::get<std::string>(file.attribute("/exact", "model")), life.specs.at("kto").id());
    EXPECT_EQ(file.read<double>("/exact/optimum").size(), 39U);
    // What the policy took the reward to be: beta log(pi / ref).
    auto const recovered = file.read<double>("/exact/recovered"), policy = file.read<double>("/exact/policy"),
               reference = file.read<double>("/exact/reference");
    ASSERT_EQ(recovered.size(), 39U);
    for (std::size_t i = 0; i < recovered.size(); ++i) {
        EXPECT_NEAR(recovered[i], life.config.get<KtoConfig>().rule.beta * (policy[i] - reference[i]), 1e-12);
    }
    // The proxy's mean is that over all answers.
    auto const proxy = make_stage(
        "proxy", life.config, 3,
        {{"evaluate", life.specs.at("evaluate").id()}, {"reward_model", life.specs.at("reward_model").id()}});
    execute(proxy, testing::host_of(life.folder.path()));
    auto const scored = store::read_manifest(life.folder.path() / proxy.id())->metrics;
    EXPECT_TRUE(std::isfinite(scored.at("eval/proxy_reward")));
    EXPECT_FALSE(scored.contains("eval/proxy_reward_low"));
}

TEST(Enumerable, TheSftModelIsItsOwnReference) {
    Life life(small_world(2, 3, 3));
    life.run({"corpus", "pretrain", "sft"});
    auto const metrics = life.evaluate("sft");
    EXPECT_EQ(metrics.at("eval/kl"), 0.0);
    EXPECT_NEAR(metrics.at("eval/win_rate"), 0.5, 1e-9);
    EXPECT_EQ(metrics.at("eval/gold_vs_sft"), 0.0);
    EXPECT_FALSE(metrics.contains("eval/exact/gap"));  // no beta: no optimum to compare with
    EXPECT_GT(life.evaluate("pretrain").at("eval/kl"), 0.0);
}

// Listed probabilities are those that training and sampling see.
TEST(Enumerable, ProbabilitiesAreThoseOfTrainingAndSampling) {
    Life life(small_world(2, 3, 2));
    life.config.edit<sources::FeedbackConfig>().prompts = 4000;
    life.specs["feedback"] = make_stage("feedback", life.config, 3, life.specs.at("feedback").inputs);
    life.run(to_feedback);
    infer::Weights const weights = infer::load_model(life.of("sft"));
    infer::Transformer transformer(weights.shape);
    world::Enumerable const world(life.config.get<config::EnumerableConfig>(), 3);
    auto const& tree = world.responses();
    auto const feedback = stages::load_feedback(life.of("feedback"));
    for (std::int64_t p = 0; p < world.prompts(); ++p) {
        auto const logprobs = tree.logprobs(next_logprobs(transformer, weights, tree, world.prompt(p), 4));
        EXPECT_NEAR(stats::total_probability(logprobs), 1.0, 1e-12);
        std::vector<data::Example> examples;
        std::map<stages::Tokens, double> expected;
        for (std::int64_t node = 0; node < tree.responses(); ++node) {
            examples.push_back({world.prompt(p), tree.response(node)});
            expected[tree.response(node)] = std::exp(logprobs[static_cast<std::size_t>(node)]);
        }
        auto const trained = infer::sequence_logprobs(transformer, weights, infer::pointers(examples), 4);
        for (std::size_t i = 0; i < trained.size(); ++i) { EXPECT_NEAR(trained[i], logprobs[i], 1e-5); }
        std::map<stages::Tokens, double> sampled;
        for (auto const& row : feedback.completions) {
            if (row.prompt == p) { sampled[row.tokens] += 1.0 / 4000.0; }
        }
        for (auto const& [response, share] : sampled) {
            ASSERT_TRUE(expected.contains(response));
            EXPECT_NEAR(share, expected.at(response), 0.035);  // four standard deviations and more
        }
    }
}

TEST(Enumerable, LabelsAreChoicesOrProbabilities) {
    auto config = small_world(2, 4, 3);
    config.edit<sources::FeedbackConfig>().prompts = 3000;
    Life life(config);
    life.run(to_feedback);
    auto const hard = stages::load_feedback(life.of("feedback"));
    config.edit<sources::FeedbackConfig>().labels = sources::PairLabels::probabilities;
    auto const spec = make_stage("feedback", config, 3, life.specs.at("feedback").inputs);
    execute(spec, testing::host_of(life.folder.path()));
    auto const soft = stages::load_feedback(life.folder.path() / spec.id());
    ASSERT_EQ(hard.pairs.size(), soft.pairs.size());
    double agreed = 0.0, expected = 0.0;
    for (std::size_t i = 0; i < soft.pairs.size(); ++i) {
        auto const gold = [&](std::int64_t completion) {
            return soft.completions[static_cast<std::size_t>(completion)].gold;
        };
        double const margin = gold(soft.pairs[i].chosen) - gold(soft.pairs[i].rejected);
        EXPECT_GE(margin, 0.0);
        EXPECT_NEAR(soft.pairs[i].probability, 1.0 / (1.0 + std::exp(-margin)), 1e-12);
        EXPECT_EQ(hard.pairs[i].probability, 1.0);
        agreed += hard.pairs[i].chosen == soft.pairs[i].chosen ? 1.0 : 0.0;
        expected += soft.pairs[i].probability;
    }
    auto const count = static_cast<double>(soft.pairs.size());
    EXPECT_NEAR(agreed / count, expected / count, 0.04);
    EXPECT_LT(agreed, count);
    // Thumbs are drawn choices either way.
    ASSERT_EQ(hard.thumbs.size(), soft.thumbs.size());
    for (std::size_t i = 0; i < hard.thumbs.size(); ++i) {
        EXPECT_EQ(hard.thumbs[i].completion, soft.thumbs[i].completion);
        EXPECT_NE(hard.completions[static_cast<std::size_t>(hard.thumbs[i].completion)].prompt,
                  hard.completions[static_cast<std::size_t>(hard.thumbs[i].partner)].prompt);
    }
    EXPECT_NEAR(stages::make_pairs(soft, {})[0].probability, soft.pairs[0].probability, 0.0);
}

TEST(Enumerable, BestOfNIsExact) {
    Life life(small_world(2, 3, 2));
    life.run(to_feedback);
    life.run({"reward_model"});
    infer::StoredModel model = infer::load_stored_model(life.of("sft"));
    infer::Transformer transformer(model.weights.shape);
    auto const spec = make_stage("evaluate", life.config, 3,
                                 {{"corpus", life.specs.at("corpus").id()},
                                  {"model", life.specs.at("sft").id()},
                                  {"sft", life.specs.at("sft").id()},
                                  {"reward_model", life.specs.at("reward_model").id()}});
    auto const host = testing::host_of(life.folder.path());
    double last = -1.0;
    for (double const n : {1.0, 4.0, 16.0}) {
        model.state["best_of_n"] = n;
        stages::Context context(spec, host);
        auto const answers = evaluate_exactly(context, *sources::open_source(context)->listed(), transformer, model);
        double const kl = context.result.metrics.at("eval/kl");
        EXPECT_GE(kl, -1e-12);
        EXPECT_LE(kl, std::log(n) - (n - 1.0) / n + 1e-12);
        EXPECT_GT(kl, last);
        last = kl;
        double total = 0.0;
        for (double const weight : answers.weight) { total += weight; }
        EXPECT_NEAR(total, 1.0, 1e-9);
    }
}

TEST(Enumerable, EdgesOfItsSize) {
    struct Size {
        config::Int prompts, tokens, length;
    };
    for (Size const size : {Size{1, 2, 1}, Size{1, 3, 4}, Size{3, 2, 2}}) {
        Life life(small_world(size.prompts, size.tokens, size.length));
        life.run(to_feedback);
        life.run({"reference", "rlhf", "dpo"});
        for (char const* kind : {"rlhf", "dpo"}) {
            auto const metrics = life.evaluate(kind);
            EXPECT_GE(metrics.at("eval/exact/gap"), 0.0);
            EXPECT_LE(metrics.at("eval/length"), static_cast<double>(size.length));
        }
    }
    // KTO's z0 compares with another prompt, and there is none.
    Life life(small_world(1, 3, 2));
    life.run(to_feedback);
    life.run({"reference"});
    EXPECT_THROW(life.run({"kto"}), core::ConfigError);
}

}  // namespace
}  // namespace alignsweep::kinds
