// SPDX-License-Identifier: Apache-2.0
// The losses of one judged answer, as numbers: what `ThumbLoss` trains with and what `alignsweep score` reports.
#pragma once

#include "config/method_sections.hpp"

namespace alignsweep::losses {

// With r = log pi - log pi_ref of the completion (sums over its tokens) and z0 the step's KL estimate:
//
//   kto                desirable lambda_D (1 - sigma(beta (r - z0))), undesirable lambda_U (1 - sigma(beta (z0 - r)))
//                      Ethayarajh et al., arXiv:2402.01306, eq. 8
//   apo_zero_unpaired  the same with 0 for z0: nothing is estimated, and the answers are compared with the reference
//                      itself. apo_zero (D'Oosterlinck et al., arXiv:2408.06266, eq. 7) with its two halves taken
//                      apart, as in TRL.
enum class ThumbLossKind { kto, apo_zero_unpaired };

struct ThumbLossRule {
    ThumbLossKind kind = ThumbLossKind::kto;
    double beta = 0.1, lambda_desirable = 1.0, lambda_undesirable = 1.0;
};
[[nodiscard]] ThumbLossRule thumb_loss_rule(config::KtoConfig const& config);

// The loss, its derivative by the summed log-probability (z0 is a constant), and the implicit reward beta r.
struct ThumbLossValue {
    double loss = 0.0, slope = 0.0, reward = 0.0;
};
// `logprob`, `reference`: of the completion, summed, nats. `z0`: at least 0; kto only.
[[nodiscard]] ThumbLossValue thumb_loss(ThumbLossRule const& rule, bool desirable, double logprob, double reference,
                                        double z0);

}  // namespace alignsweep::losses
