// SPDX-License-Identifier: Apache-2.0
// best_of_n and its evaluation.
#include "stats/best_of_n.hpp"

#include "infer/reward.hpp"
#include "stages/artifacts.hpp"
#include "store/manifest.hpp"
#include "support/tiny.hpp"

namespace alignsweep::kinds {
namespace {

using testing::finished_life;
using testing::TemporaryFolder;

// A model's evaluation, in a folder of its own.
struct Evaluated {
    stages::AnswersData answers;
    store::Manifest manifest;
};
Evaluated evaluated(std::string const& model_kind, config::Config const& config) {
    TemporaryFolder folder;
    auto const& life = finished_life();
    for (char const* kind : {"evaluate", "proxy", "rlhf", "best_of_n"}) { life.copy_inputs(kind, folder.path()); }
    auto const id = [&](char const* kind) { return life.specs.at(kind).id(); };
    auto inputs = life.specs.at("evaluate").inputs;
    inputs["model"] = id("sft");
    if (model_kind == "best_of_n") {
        auto const model = make_stage("best_of_n", config, 3, life.specs.at("best_of_n").inputs);
        execute(model, testing::host_of(folder.path()));
        inputs["model"] = model.id();
        inputs["reward_model"] = id("reward_model");
    }
    auto const spec = make_stage("evaluate", config, 3, inputs);
    execute(spec, testing::host_of(folder.path()));
    return {stages::load_answers(folder.path() / spec.id()), *store::read_manifest(folder.path() / spec.id())};
}

double mean_score(stages::AnswersData const& answers) {
    auto const scores = infer::Reward(finished_life().of("reward_model"), 4).score(infer::pointers(answers.answers));
    double sum = 0.0;
    for (double const score : scores) { sum += score; }
    return sum / static_cast<double>(scores.size());
}

TEST(BestOfNStage, OneSampleIsTheSftModelsAnswer) {
    auto config = finished_life().config;
    config.edit<config::BestOfNConfig>().n = 1;
    auto const sft = evaluated("sft", config), one = evaluated("best_of_n", config);
    EXPECT_EQ(one.answers.answers, sft.answers.answers);
    EXPECT_EQ(one.answers.gold, sft.answers.gold);
    EXPECT_EQ(one.manifest.metrics.at("eval/kl"), 0.0);
    for (char const* name : {"eval/gold_reward", "eval/perplexity", "eval/length", "eval/win_rate"}) {
        EXPECT_EQ(one.manifest.metrics.at(name), sft.manifest.metrics.at(name)) << name;
    }
    EXPECT_EQ(one.manifest.costs.at("tokens/evaluate"), sft.manifest.costs.at("tokens/evaluate"));
    EXPECT_EQ(one.manifest.costs.at("tokens/policy"), 0.0);
    EXPECT_EQ(one.manifest.costs.at("tokens/reward_model"), one.manifest.costs.at("tokens/evaluate"));
}

TEST(BestOfNStage, MoreSamplesRaiseTheProxyRewardAndTheirCost) {
    auto config = finished_life().config;
    double proxy = mean_score(evaluated("sft", config).answers);
    auto const sft_perplexity = evaluated("sft", config).manifest.metrics.at("eval/perplexity");
    for (config::Int const n : {2, 8}) {
        config.edit<config::BestOfNConfig>().n = n;
        auto const best = evaluated("best_of_n", config);
        // Each prompt's first samples are the same for every n, so its best score can only rise.
        EXPECT_GT(mean_score(best.answers), proxy) << n;
        proxy = mean_score(best.answers);
        auto const& metrics = best.manifest.metrics;
        EXPECT_EQ(metrics.at("eval/kl"), stats::best_of_n_kl_bound(n));
        EXPECT_EQ(metrics.at("eval/kl_bound"), metrics.at("eval/kl"));
        EXPECT_EQ(metrics.count("eval/kl_low"), 0U);
        EXPECT_EQ(metrics.at("eval/perplexity"), sft_perplexity);
        auto const& costs = best.manifest.costs;
        EXPECT_EQ(costs.at("tokens/policy") + costs.at("tokens/evaluate"), costs.at("tokens/reward_model"));
        EXPECT_GT(costs.at("tokens/reward_model"), 0.8 * static_cast<double>(n) * costs.at("tokens/evaluate"));
    }
}

// Stages without a checkpoint end soon, and leave nothing that looks finished.
TEST(Stop, IsSeenWithinAStageThatSavesNothing) {
    auto const& life = finished_life();
    for (std::string const kind : {"feedback", "evaluate", "reference"}) {
        TemporaryFolder folder;
        life.copy_inputs(kind, folder.path());
        int asked = 0;
        stages::StageHost const stops{folder.path(), [&] { return ++asked == 2; }, [](double) {}};
        EXPECT_THROW(execute(life.specs.at(kind), stops), core::Stopped) << kind;
        EXPECT_FALSE(is_done(folder.path(), life.specs.at(kind).id()));
        execute(life.specs.at(kind), testing::host_of(folder.path()));
        EXPECT_EQ(testing::digests_of(folder.path() / life.specs.at(kind).id()), testing::digests_of(life.of(kind)));
    }
}

}  // namespace
}  // namespace alignsweep::kinds
