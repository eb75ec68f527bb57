// SPDX-License-Identifier: Apache-2.0
// evaluate measures every model against the SFT model, and a new scalar head depends on its seed alone.
#include "model/parameters.hpp"
#include "stages/runtime.hpp"
#include "stages/tiny.hpp"
#include "store/manifest.hpp"

#include <cmath>

namespace alignsweep::stages {
namespace {

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

// trl#4887: a head drawn before the seed was set.
TEST(ScalarHead, IsDrawnFromItsSeedAlone) {
    auto const folder = finished_life().of("sft");
    auto const head = [&](std::uint64_t seed) { return model::to_host(load_model_with_head(folder, seed).values); };
    EXPECT_EQ(head(1), head(1));
    EXPECT_NE(head(1), head(2));
}

}  // namespace
}  // namespace alignsweep::stages
