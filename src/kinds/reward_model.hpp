// SPDX-License-Identifier: Apache-2.0
// The section of reward_model.
#pragma once

#include "config/schema.hpp"

namespace alignsweep::kinds {

// [reward_model]
struct RewardModelConfig {
    config::Int width = 0, depth = 0, epochs = 8, batch = 64;
    double share = 1.0, centering = 0.01, margin = 0.0;
    bool normalise = true;
    config::OptimizerConfig optimizer{.learning_rate = 1e-3};

    void fields(config::FieldVisitor& visit) {
        visit("width", width, {0, 65536},
              "its own width, of the policy's head width (0: the policy's); another size has its own pre-training");
        visit("depth", depth, {0, 512}, "its own layers (0: the policy's)");
        visit("epochs", epochs, {0, 1e6}, "passes over the pairs");
        visit("batch", batch, {1, 1e6}, "pairs of a step");
        visit("share", share, {1e-9, 1.0}, "share of the labels that the proxy is trained on");
        visit("centering", centering, config::non_negative, "coefficient of the mean squared sum of rewards");
        visit("margin", margin, config::any, "margin in the Bradley-Terry loss");
        visit("normalise", normalise,
              "the proxy's score of the SFT model's answers to mean 0 and standard deviation 1; false: in units of the "
              "choices' log-odds");
        optimizer.fields(visit);
    }
};

// [model] as the reward model has it, with reward_model.width and depth in place of the policy's. The width of a head
// and the queries that share a key stay; the hidden layer keeps its share of the width, to the nearest multiple of 4.
[[nodiscard]] config::ModelConfig reward_model_size(config::Config const& config);

}  // namespace alignsweep::kinds
