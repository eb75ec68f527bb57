// SPDX-License-Identifier: Apache-2.0
// The losses of one labelled pair, as numbers: what `Dpo` trains with and what `alignsweep score` reports.
#pragma once

#include "config/method_sections.hpp"

namespace alignsweep::methods {

enum class PairLossKind { sigmoid, cdpo, rdpo, hinge, ipo, simpo, orpo, apo_zero, apo_down, sigmoid_norm };

struct PairLossRule {
    PairLossKind kind = PairLossKind::sigmoid;
    double beta = 0.1, label_smoothing = 0.0, gamma_ratio = 0.3;
};

// The rule of a section. Throws ConfigError for a key that this loss would ignore (label_smoothing where it is not
// cdpo or rdpo, for one: trl#3906).
[[nodiscard]] PairLossRule pair_loss_rule(config::DpoConfig const& config);

// Summed log-probabilities over completion tokens, nats, under the policy and under the reference.
struct PairLogprobs {
    double chosen = 0.0, rejected = 0.0, chosen_reference = 0.0, rejected_reference = 0.0;
    double chosen_tokens = 1.0, rejected_tokens = 1.0;
    double probability = 1.0;  // that `chosen` is the better one: below 1 for soft labels
};

// The loss, its derivatives by `chosen` and `rejected`, and the implicit rewards as TRL reports them.
struct PairLoss {
    double loss = 0.0, chosen_slope = 0.0, rejected_slope = 0.0, chosen_reward = 0.0, rejected_reward = 0.0;
};
[[nodiscard]] PairLoss pair_loss(PairLossRule const& rule, PairLogprobs const& logprobs);

}  // namespace alignsweep::methods
