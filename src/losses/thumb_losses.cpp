// SPDX-License-Identifier: Apache-2.0
#include "losses/thumb_losses.hpp"

#include "core/error.hpp"
#include "losses/loss.hpp"

namespace alignsweep::losses {

ThumbLossRule thumb_loss_rule(config::KtoConfig const& config) {
    bool const is_kto = config.loss == "kto";
    core::check(is_kto || config.loss == "apo_zero_unpaired", "loss of a thumb ", config.loss);
    return {is_kto ? ThumbLossKind::kto : ThumbLossKind::apo_zero_unpaired, config.beta, config.lambda_desirable,
            config.lambda_undesirable};
}

ThumbLossValue thumb_loss(ThumbLossRule const& rule, bool desirable, double logprob, double reference, double z0) {
    double const ratio = logprob - reference;
    double const sign = desirable ? 1.0 : -1.0;
    double const weight = desirable ? rule.lambda_desirable : rule.lambda_undesirable;
    double const origin = rule.kind == ThumbLossKind::kto ? z0 : 0.0;
    double const value = sigmoid(sign * rule.beta * (ratio - origin));
    return {weight * (1.0 - value), -sign * weight * rule.beta * value * (1.0 - value), rule.beta * ratio};
}

}  // namespace alignsweep::losses
