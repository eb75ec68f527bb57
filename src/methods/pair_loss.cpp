// SPDX-License-Identifier: Apache-2.0
#include "methods/pair_loss.hpp"

#include "core/error.hpp"
#include "methods/method.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

namespace alignsweep::methods {

namespace {

using core::concat;
using core::ConfigError;
using Kind = PairLossKind;

constexpr std::array<std::pair<char const*, Kind>, 10> names{{{"sigmoid", Kind::sigmoid},
                                                              {"cdpo", Kind::cdpo},
                                                              {"rdpo", Kind::rdpo},
                                                              {"hinge", Kind::hinge},
                                                              {"ipo", Kind::ipo},
                                                              {"simpo", Kind::simpo},
                                                              {"orpo", Kind::orpo},
                                                              {"apo_zero", Kind::apo_zero},
                                                              {"apo_down", Kind::apo_down},
                                                              {"sigmoid_norm", Kind::sigmoid_norm}}};

Kind kind_of(std::string_view name) {
    auto const found = std::find_if(names.begin(), names.end(), [&](auto const& entry) { return entry.first == name; });
    core::check(found != names.end(), "loss of a pair ", name);
    return found->second;
}

char const* name_of(Kind kind) {
    return std::find_if(names.begin(), names.end(), [&](auto const& entry) { return entry.second == kind; })->first;
}

// Loss and derivative.
struct Curve {
    double value, slope;
};

Curve logistic_loss(double x) { return {-log_sigmoid(x), -sigmoid(-x)}; }

Curve sigmoid_curve(double x) {
    double const value = sigmoid(x);
    return {value, value * sigmoid(-x)};
}

// The loss of a hard label as a function of the margin.
Curve margin_loss(PairLossRule const& rule, double margin) {
    switch (rule.kind) {
        case Kind::hinge:
            return {std::max(0.0, 1.0 - margin), margin < 1.0 ? -1.0 : 0.0};
        case Kind::ipo: {
            double const gap = margin - 1.0 / (2.0 * rule.beta);
            return {gap * gap, 2.0 * gap};
        }
        case Kind::simpo:
            return logistic_loss(margin - rule.beta * rule.gamma_ratio);
        default:
            return logistic_loss(margin);
    }
}

// What the loss of the label as it stands and of the opposite label weigh.
std::pair<double, double> label_weights(PairLossRule const& rule, double probability) {
    double const opposite = 1.0 - probability, e = rule.label_smoothing;
    switch (rule.kind) {
        case Kind::cdpo:
            return {probability * (1.0 - e) + opposite * e, opposite * (1.0 - e) + probability * e};
        case Kind::rdpo:
            return {(probability * (1.0 - e) - opposite * e) / (1.0 - 2.0 * e),
                    (opposite * (1.0 - e) - probability * e) / (1.0 - 2.0 * e)};
        default:
            return {probability, opposite};
    }
}

// Log-odds of an answer whose mean log-probability is a, and their derivative. They are infinite at probability 1: an
// answer counts as at most so probable that its odds are a million.
Curve log_odds(double a) {
    double const mean = std::min(a, -1e-6);
    double const complement = -std::expm1(mean);
    return {mean - std::log(complement), 1.0 / complement};
}

}  // namespace

bool is_reference_free(Kind kind) { return kind == Kind::simpo || kind == Kind::orpo; }

bool takes_soft_labels(Kind kind) { return kind != Kind::orpo && kind != Kind::apo_zero && kind != Kind::apo_down; }

PairLossRule pair_loss_rule(config::DpoConfig const& config) {
    config::DpoConfig const defaults;
    Kind const kind = kind_of(config.loss);
    auto const refuse = [&](bool given, char const* key, double value, char const* needs) {
        if (given) {
            throw ConfigError(concat("dpo.", key, " = ", value, " has no effect here (dpo.loss = ", config.loss,
                                     "); it needs ", needs));
        }
    };
    refuse(config.label_smoothing != defaults.label_smoothing && kind != Kind::cdpo && kind != Kind::rdpo,
           "label_smoothing", config.label_smoothing, "dpo.loss = cdpo or rdpo");
    refuse(config.gamma_ratio != defaults.gamma_ratio && kind != Kind::simpo, "gamma_ratio", config.gamma_ratio,
           "dpo.loss = simpo");
    refuse(config.sync_steps > 0 && is_reference_free(kind), "sync_steps", static_cast<double>(config.sync_steps),
           "a loss with a reference (neither simpo nor orpo)");
    refuse(config.sync_alpha != defaults.sync_alpha && config.sync_steps == 0, "sync_alpha", config.sync_alpha,
           "dpo.sync_steps above 0");
    return {kind, config.beta, config.label_smoothing, config.gamma_ratio};
}

PairLoss pair_loss(PairLossRule const& rule, PairLogprobs const& at) {
    double const beta = rule.beta;
    double const chosen_tokens = std::max(1.0, at.chosen_tokens), rejected_tokens = std::max(1.0, at.rejected_tokens);
    if (at.probability < 1.0 && !takes_soft_labels(rule.kind)) {
        throw ConfigError(concat("dpo.loss = ", name_of(rule.kind), " takes no label with a probability below 1 (",
                                 at.probability, " here): it has no margin that swapping the answers negates"));
    }

    bool const free = is_reference_free(rule.kind);
    double const chosen = free ? at.chosen : at.chosen - at.chosen_reference;
    double const rejected = free ? at.rejected : at.rejected - at.rejected_reference;
    PairLoss result;
    result.chosen_reward = beta * (free ? chosen / chosen_tokens : chosen);
    result.rejected_reward = beta * (free ? rejected / rejected_tokens : rejected);

    switch (rule.kind) {
        case Kind::orpo: {
            Curve const better = log_odds(chosen / chosen_tokens), worse = log_odds(rejected / rejected_tokens);
            Curve const ratio = logistic_loss(better.value - worse.value);
            double const likelihood_tokens = at.likelihood_tokens > 0.0 ? at.likelihood_tokens : chosen_tokens;
            result.loss = -chosen / likelihood_tokens + beta * ratio.value;
            result.chosen_slope = -1.0 / likelihood_tokens + beta * ratio.slope * better.slope / chosen_tokens;
            result.rejected_slope = -beta * ratio.slope * worse.slope / rejected_tokens;
            return result;
        }
        case Kind::apo_zero: {
            Curve const fall = sigmoid_curve(-result.chosen_reward), rise = sigmoid_curve(result.rejected_reward);
            result.loss = fall.value + rise.value;
            result.chosen_slope = -beta * fall.slope;
            result.rejected_slope = beta * rise.slope;
            return result;
        }
        case Kind::apo_down: {
            Curve const rise = sigmoid_curve(result.chosen_reward);
            Curve const order = sigmoid_curve(result.rejected_reward - result.chosen_reward);
            result.loss = rise.value + order.value;
            result.chosen_slope = beta * (rise.slope - order.slope);
            result.rejected_slope = beta * order.slope;
            return result;
        }
        default:
            break;
    }

    // The others are functions of one margin, chosen_scale * chosen - rejected_scale * rejected.
    double chosen_scale = beta, rejected_scale = beta;
    if (rule.kind == Kind::ipo || rule.kind == Kind::simpo || rule.kind == Kind::sigmoid_norm) {
        double const numerator = rule.kind == Kind::ipo ? 1.0 : beta;
        chosen_scale = numerator / chosen_tokens;
        rejected_scale = numerator / rejected_tokens;
    }
    double const margin = chosen_scale * chosen - rejected_scale * rejected;
    auto const [as_labelled, opposite] = label_weights(rule, at.probability);
    Curve const here = margin_loss(rule, margin), there = margin_loss(rule, -margin);
    double const slope = as_labelled * here.slope - opposite * there.slope;
    result.loss = as_labelled * here.value + opposite * there.value;
    result.chosen_slope = chosen_scale * slope;
    result.rejected_slope = -rejected_scale * slope;
    return result;
}

}  // namespace alignsweep::methods
