// SPDX-License-Identifier: Apache-2.0
#include "losses/thumb_losses.hpp"

#include "core/error.hpp"
#include "losses/loss.hpp"

#include <algorithm>

namespace alignsweep::losses {

std::span<ThumbLossRow const> thumb_losses() {
    static std::vector<ThumbLossRow> const table{
        // r = log pi - log pi_ref. Desirable: lambda_D (1 - sigma(beta (r - z0))), undesirable: lambda_U
        // (1 - sigma(beta (z0 - r))); eq. 8.
        {"kto", "z0 = max(0, mean of log pi - log pi_ref over mismatched completions)",
         "Ethayarajh et al. 2402.01306, section 4.2", true},
        // Its apo_zero (eq. 7) with the two halves taken apart, as in TRL.
        {"apo_zero_unpaired", "lambda_D [1 - sigma(beta r)] or lambda_U sigma(beta r); no z0",
         "D'Oosterlinck et al. 2408.06266", false}};
    return table;
}

ThumbLossRow const& thumb_loss_row(std::string_view name) {
    auto const table = thumb_losses();
    auto const found = std::find_if(table.begin(), table.end(), [&](auto const& row) { return row.name == name; });
    core::check(found != table.end(), "loss of a thumb ", name);
    return *found;
}

std::span<ThumbLossKey const> thumb_loss_keys() {
    static std::vector<ThumbLossKey> const keys{{"beta", &ThumbLossRule::beta},
                                                {"lambda_desirable", &ThumbLossRule::lambda_desirable},
                                                {"lambda_undesirable", &ThumbLossRule::lambda_undesirable}};
    return keys;
}

ThumbLossRule thumb_loss_rule(config::KtoConfig const& config) {
    return {&thumb_loss_row(config.loss), config.beta, config.lambda_desirable, config.lambda_undesirable};
}

ThumbLossValue thumb_loss(ThumbLossRule const& rule, bool desirable, double logprob, double reference, double z0) {
    double const ratio = logprob - reference;
    double const sign = desirable ? 1.0 : -1.0;
    double const weight = desirable ? rule.lambda_desirable : rule.lambda_undesirable;
    double const value = sigmoid(sign * rule.beta * (ratio - (rule.row->has_z0 ? z0 : 0.0)));
    return {weight * (1.0 - value), -sign * weight * rule.beta * value * (1.0 - value), rule.beta * ratio};
}

}  // namespace alignsweep::losses
