// SPDX-License-Identifier: Apache-2.0
// What [dpo] asks for, checked against the table.
#include "core/error.hpp"
#include "losses/pair_losses.hpp"

#include <algorithm>
#include <functional>

namespace alignsweep::losses {

namespace {

PairLossRule as_given(config::DpoConfig const& config) {
    return {&pair_loss_row(config.loss), config.beta, config.label_smoothing, config.gamma_ratio, config.discopop_tau};
}

// "a, b or c": the losses of which it holds.
std::string names_of(std::function<bool(PairLossRow const&)> const& holds) {
    std::vector<std::string> names;
    for (PairLossRow const& row : pair_losses()) {
        if (holds(row)) { names.push_back(row.name); }
    }
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
    }
    return text;
}

}  // namespace

PairLossRow const& pair_loss_row(std::string_view name) {
    auto const table = pair_losses();
    auto const found = std::find_if(table.begin(), table.end(), [&](auto const& row) { return row.name == name; });
    core::check(found != table.end(), "loss of a pair ", name);
    return *found;
}

std::span<PairLossKey const> pair_loss_keys() {
    static std::vector<PairLossKey> const keys{{"beta", &PairLossRule::beta},
                                               {"label_smoothing", &PairLossRule::label_smoothing, reads_smoothing},
                                               {"gamma_ratio", &PairLossRule::gamma_ratio, reads_gamma_ratio},
                                               {"discopop_tau", &PairLossRule::discopop_tau, reads_tau}};
    return keys;
}

PairLossRule pair_loss_rule(config::DpoConfig const& config) {
    PairLossRule const rule = as_given(config), defaults = as_given({});
    PairLossRow const& row = *rule.row;
    auto const refuse = [&](bool given, std::string const& key, double value, std::string const& needs) {
        if (given) {
            throw core::ConfigError(core::concat("dpo.", key, " = ", value,
                                                 " has no effect here (dpo.loss = ", row.name, "); it needs ", needs));
        }
    };
    for (PairLossKey const& key : pair_loss_keys()) {
        refuse(rule.*key.value != defaults.*key.value && !key.is_read_by(row), key.name, rule.*key.value,
               "dpo.loss = " + names_of([&](PairLossRow const& other) { return key.is_read_by(other); }));
    }
    refuse(config.sync_steps > 0 && row.is(no_reference), "sync_steps", static_cast<double>(config.sync_steps),
           "a loss with a reference (not " + names_of([](auto const& other) { return other.is(no_reference); }) + ")");
    refuse(config.sync_alpha != config::DpoConfig().sync_alpha && config.sync_steps == 0, "sync_alpha",
           config.sync_alpha, "dpo.sync_steps above 0");
    if (row.is(needs_smoothing) && config.label_smoothing <= 0.0) {
        throw core::ConfigError(core::concat("dpo.loss = ", row.name, " is infinite at dpo.label_smoothing = 0; a ",
                                             "value above 0 is allowed, say 0.001"));
    }
    return rule;
}

}  // namespace alignsweep::losses
