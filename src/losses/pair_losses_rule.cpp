// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "losses/pair_losses.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace alignsweep::losses {

namespace {

using core::concat;
using core::ConfigError;
using Kind = PairLossKind;

constexpr auto names = std::to_array<std::pair<char const*, Kind>>({{"sigmoid", Kind::sigmoid},
                                                                    {"cdpo", Kind::cdpo},
                                                                    {"rdpo", Kind::rdpo},
                                                                    {"hinge", Kind::hinge},
                                                                    {"ipo", Kind::ipo},
                                                                    {"simpo", Kind::simpo},
                                                                    {"orpo", Kind::orpo},
                                                                    {"apo_zero", Kind::apo_zero},
                                                                    {"apo_down", Kind::apo_down},
                                                                    {"sigmoid_norm", Kind::sigmoid_norm},
                                                                    {"exo_pair", Kind::exo_pair},
                                                                    {"nca_pair", Kind::nca_pair},
                                                                    {"bco_pair", Kind::bco_pair},
                                                                    {"sppo_hard", Kind::sppo_hard},
                                                                    {"discopop", Kind::discopop},
                                                                    {"aot", Kind::aot},
                                                                    {"aot_unpaired", Kind::aot_unpaired}});

Kind kind_of(std::string_view name) {
    auto const found = std::find_if(names.begin(), names.end(), [&](auto const& entry) { return entry.first == name; });
    core::check(found != names.end(), "loss of a pair ", name);
    return found->second;
}

}  // namespace

std::vector<Kind> pair_loss_kinds() {
    std::vector<Kind> kinds;
    for (auto const& entry : names) { kinds.push_back(entry.second); }
    return kinds;
}

char const* pair_loss_name(Kind kind) {
    return std::find_if(names.begin(), names.end(), [&](auto const& entry) { return entry.second == kind; })->first;
}

bool is_reference_free(Kind kind) { return kind == Kind::simpo || kind == Kind::orpo; }

bool is_matched(Kind kind) { return kind == Kind::aot || kind == Kind::aot_unpaired; }

bool is_smoothed(Kind kind) {
    return kind == Kind::cdpo || kind == Kind::rdpo || kind == Kind::exo_pair || is_matched(kind);
}

bool takes_soft_labels(Kind kind) {
    switch (kind) {
        case Kind::orpo:
        case Kind::apo_zero:
        case Kind::apo_down:
        case Kind::nca_pair:
        case Kind::bco_pair:
        case Kind::sppo_hard:
            return false;
        default:
            return !is_matched(kind);
    }
}

PairLossRule pair_loss_rule(config::DpoConfig const& config) {
    config::DpoConfig const defaults;
    Kind const kind = kind_of(config.loss);
    auto const refuse = [&](bool given, char const* key, double value, char const* needs) {
        if (given) {
            throw ConfigError(concat("dpo.", key, " = ", value, " has no effect here (dpo.loss = ", config.loss,
                                     "); it needs ", needs));
        }
    };
    refuse(config.label_smoothing != defaults.label_smoothing && !is_smoothed(kind), "label_smoothing",
           config.label_smoothing, "dpo.loss = cdpo, rdpo, exo_pair, aot or aot_unpaired");
    refuse(config.gamma_ratio != defaults.gamma_ratio && kind != Kind::simpo, "gamma_ratio", config.gamma_ratio,
           "dpo.loss = simpo");
    refuse(config.discopop_tau != defaults.discopop_tau && kind != Kind::discopop, "discopop_tau", config.discopop_tau,
           "dpo.loss = discopop");
    refuse(config.sync_steps > 0 && is_reference_free(kind), "sync_steps", static_cast<double>(config.sync_steps),
           "a loss with a reference (neither simpo nor orpo)");
    refuse(config.sync_alpha != defaults.sync_alpha && config.sync_steps == 0, "sync_alpha", config.sync_alpha,
           "dpo.sync_steps above 0");
    if (kind == Kind::exo_pair && config.label_smoothing <= 0.0) {
        throw ConfigError(
            "dpo.loss = exo_pair is infinite at dpo.label_smoothing = 0; a value above 0 is allowed, say 0.001");
    }
    return {kind, config.beta, config.label_smoothing, config.gamma_ratio, config.discopop_tau};
}

}  // namespace alignsweep::losses
