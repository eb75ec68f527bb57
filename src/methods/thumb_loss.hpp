// SPDX-License-Identifier: Apache-2.0
// The losses of one judged answer, as numbers: what `Kto` trains with and what `alignsweep score` reports.
#pragma once

#include "config/method_sections.hpp"

namespace alignsweep::methods {

enum class ThumbLossKind { kto, apo_zero_unpaired };

struct ThumbLossRule {
    ThumbLossKind kind = ThumbLossKind::kto;
    double beta = 0.1, lambda_desirable = 1.0, lambda_undesirable = 1.0;
};
[[nodiscard]] ThumbLossRule thumb_loss_rule(config::KtoConfig const& config);

// The loss, its derivative by the summed log-probability, and the implicit reward.
struct ThumbLoss {
    double loss = 0.0, slope = 0.0, reward = 0.0;
};
// `logprob`, `reference`: of the completion, summed, nats. `z0`: the step's KL estimate, at least 0 (kto only).
[[nodiscard]] ThumbLoss thumb_loss(ThumbLossRule const& rule, bool desirable, double logprob, double reference,
                                   double z0);

}  // namespace alignsweep::methods
