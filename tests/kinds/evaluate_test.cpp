// SPDX-License-Identifier: Apache-2.0
// evaluate measures every model against the SFT model, and a new scalar head depends on its seed alone.
#include "infer/models.hpp"
#include "stages/artifacts.hpp"
#include "store/manifest.hpp"
#include "support/tiny.hpp"
#include "train/trainer.hpp"

#include <cmath>

namespace alignsweep::kinds {
namespace {

namespace fs = std::filesystem;

using testing::finished_life;
using testing::TemporaryFolder;

std::map<std::string, double> metrics_of(std::string const& model) {
    TemporaryFolder folder;
    auto const& life = finished_life();
    for (char const* kind : {"evaluate", "rlhf"}) { life.copy_inputs(kind, folder.path()); }
    auto inputs = life.specs.at("evaluate").inputs;
    inputs["model"] = life.specs.at(model).id();
    auto const spec = make_stage("evaluate", life.config, 3, inputs);
    execute(spec, testing::host_of(folder.path()));
    return store::read_manifest(folder.path() / spec.id())->metrics;
}

// A policy that is its own reference has KL 0 whatever it has learned (trl#1148, #6443).
TEST(Evaluate, TheReferenceIsTheSftModelNeverThePolicy) {
    auto const sft = metrics_of("sft"), dpo = metrics_of("dpo");
    EXPECT_LT(std::abs(sft.at("eval/kl")), 1e-6);
    EXPECT_GT(std::abs(dpo.at("eval/kl")), 1e-4);
    EXPECT_EQ(sft.at("eval/win_rate"), 0.5);
}

// Every prompt's answer against the SFT model's, and the KL of what was sampled, from the stored answers.
TEST(Evaluate, WinRateAndKlAreThoseOfTheStoredAnswers) {
    TemporaryFolder folder;
    auto const& life = finished_life();
    for (char const* kind : {"evaluate", "rlhf"}) { life.copy_inputs(kind, folder.path()); }
    fs::copy(life.of("pretrain"), folder.path() / life.specs.at("pretrain").id(), fs::copy_options::recursive);
    auto const evaluated = [&](char const* model, std::string const& baseline) {
        auto inputs = life.specs.at("evaluate").inputs;
        inputs["model"] = life.specs.at(model).id();
        if (!baseline.empty()) { inputs["baseline"] = baseline; }
        auto config = life.config;
        config.edit<config::EvaluateConfig>().prompts = 64;
        auto const spec = make_stage("evaluate", config, 3, inputs);
        execute(spec, testing::host_of(folder.path()));
        return spec.id();
    };
    std::string const sft = evaluated("sft", ""), other = evaluated("pretrain", sft);
    auto const ours = stages::load_answers(folder.path() / other), theirs = stages::load_answers(folder.path() / sft);
    double wins = 0.0, gain = 0.0, kl = 0.0;
    for (std::size_t i = 0; i < 64; ++i) {
        ASSERT_EQ(ours.answers[i].prompt, theirs.answers[i].prompt);
        wins += ours.gold[i] > theirs.gold[i] ? 1.0 : ours.gold[i] == theirs.gold[i] ? 0.5 : 0.0;
        gain += ours.gold[i] - theirs.gold[i];
    }
    infer::Weights const policy = infer::load_model(life.of("pretrain")), reference = infer::load_model(life.of("sft"));
    infer::Transformer transformer(policy.shape);
    auto const list = infer::pointers(ours.answers);
    auto const mine = infer::sequence_logprobs(transformer, policy, list, 4);
    auto const other_logps = infer::sequence_logprobs(transformer, reference, list, 4);
    for (std::size_t i = 0; i < 64; ++i) { kl += (mine[i] - other_logps[i]) / 64.0; }
    auto const metrics = store::read_manifest(folder.path() / other)->metrics;
    EXPECT_NE(wins, 32.0);
    EXPECT_EQ(metrics.at("eval/win_rate"), wins / 64.0);
    EXPECT_NEAR(metrics.at("eval/gold_vs_sft"), gain / 64.0, 1e-12);
    EXPECT_GT(std::abs(kl), 1e-3);
    EXPECT_NEAR(metrics.at("eval/kl"), kl, 1e-4);
}

// trl#4887: a head drawn before the seed was set.
TEST(ScalarHead, IsDrawnFromItsSeedAlone) {
    auto const folder = finished_life().of("sft");
    auto const head = [&](std::uint64_t seed) { return model::to_host(infer::load_model_with_head(folder, seed)); };
    EXPECT_EQ(head(1), head(1));
    EXPECT_NE(head(1), head(2));
}

}  // namespace
}  // namespace alignsweep::kinds
