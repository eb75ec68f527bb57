// SPDX-License-Identifier: Apache-2.0
// The losses of one judged answer, as numbers: what ThumbLoss trains with and what `alignsweep score` reports. Each is
// a row of one table, as in pair_losses.hpp.
#pragma once

#include "config/method_sections.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::losses {

struct ThumbLossRow;
// By the name that kto.loss has for it. Throws std::logic_error for a name that is not in the table.
[[nodiscard]] ThumbLossRow const& thumb_loss_row(std::string_view name);

struct ThumbLossRule {
    ThumbLossRow const* row = &thumb_loss_row("kto");
    double beta = 0.1, lambda_desirable = 1.0, lambda_undesirable = 1.0;
};

// The loss, its derivative by the summed log-probability (z0 is a constant), and the implicit reward beta r.
struct ThumbLossValue {
    double loss = 0.0, slope = 0.0, reward = 0.0;
};

struct ThumbLossRow {
    std::string name;              // kto.loss
    std::string equation, source;  // as `alignsweep methods` prints them
    bool has_z0;                   // it reads the step's KL estimate; in the others 0 stands for it
};
// All of them, in the order of kto.loss's choices.
[[nodiscard]] std::span<ThumbLossRow const> thumb_losses();

// The numbers of a rule, all of which every row reads, by their names in [kto].
struct ThumbLossKey {
    std::string name;
    double ThumbLossRule::*value;
};
[[nodiscard]] std::span<ThumbLossKey const> thumb_loss_keys();

[[nodiscard]] ThumbLossRule thumb_loss_rule(config::KtoConfig const& config);

// `logprob`, `reference`: of the completion, summed over its tokens, nats. `z0`: nats, at least 0.
[[nodiscard]] ThumbLossValue thumb_loss(ThumbLossRule const& rule, bool desirable, double logprob, double reference,
                                        double z0);

}  // namespace alignsweep::losses
