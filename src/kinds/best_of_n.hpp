// SPDX-License-Identifier: Apache-2.0
// The best of n samples as a model: the SFT weights with the number n beside them (state "best_of_n"), which evaluate
// samples from.
#pragma once

#include "train/rollout.hpp"

namespace alignsweep::kinds {

// [best_of_n]: no training; the proxy reward picks one of n samples of the SFT model.
struct BestOfNConfig {
    config::Int n = 16;

    void fields(config::FieldVisitor& visit) { visit("n", n, {1, 65536}, "samples that the reward picks one of"); }
};

// n of a stored model; 0 for one that is sampled as it is.
[[nodiscard]] std::int64_t samples_of(infer::StoredModel const& model);

// One answer a prompt: the best of n samples by the reward model of the input "reward_model". The first of them has
// the step of `plan`, so n = 1 gives exactly what the model says without a choice. Adds the cost of scoring, and that
// of the samples that are thrown away (role policy).
[[nodiscard]] train::Answers best_answers(stages::Context& context, infer::Transformer& transformer,
                                          infer::StoredModel const& model, std::vector<stages::Tokens> const& prompts,
                                          infer::SamplingPlan plan,
                                          std::function<void(double)> const& passed = nullptr);

}  // namespace alignsweep::kinds
