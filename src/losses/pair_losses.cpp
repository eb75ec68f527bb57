// SPDX-License-Identifier: Apache-2.0
#include "losses/pair_losses.hpp"

#include "core/error.hpp"
#include "losses/loss.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace alignsweep::losses {

namespace {

using core::concat;
using core::ConfigError;
using Kind = PairLossKind;

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
        case Kind::exo_pair: {
            double const e = rule.label_smoothing, better = log_sigmoid(margin), worse = log_sigmoid(-margin);
            double const q = std::exp(better), complement = std::exp(worse), odds = std::log1p(-e) - std::log(e);
            return {q * (better - std::log1p(-e)) + complement * (worse - std::log(e)),
                    q * complement * (margin - odds)};
        }
        case Kind::discopop: {
            double const tau = rule.discopop_tau;
            Curve const weight = sigmoid_curve(margin / tau), logistic = logistic_loss(margin);
            // w exp(-D) as one exponential: apart, one is 0 and the other infinite where the margin is far below 0.
            double const exponential = std::exp(log_sigmoid(margin / tau) - margin), rest = sigmoid(-margin / tau);
            return {rest * logistic.value + exponential,
                    rest * logistic.slope - weight.slope / tau * logistic.value + exponential * (rest / tau - 1.0)};
        }
        default:
            return logistic_loss(margin);
    }
}

// What the loss of the label as it stands and of the opposite label weigh.
std::pair<double, double> label_weights(PairLossRule const& rule, double probability) {
    double const opposite = 1.0 - probability, e = rule.label_smoothing;
    switch (rule.kind) {
        case Kind::cdpo:
        case Kind::aot:
        case Kind::aot_unpaired:
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

PairLossValue pair_loss(PairLossRule const& rule, PairLogprobs const& at) {
    double const beta = rule.beta;
    double const chosen_tokens = std::max(1.0, at.chosen_tokens), rejected_tokens = std::max(1.0, at.rejected_tokens);
    if (at.probability < 1.0 && !takes_soft_labels(rule.kind)) {
        throw ConfigError(concat("dpo.loss = ", pair_loss_name(rule.kind),
                                 " takes no label with a probability below 1 (", at.probability,
                                 " here): it has no margin that swapping the answers negates"));
    }

    bool const free = is_reference_free(rule.kind);
    double const chosen = free ? at.chosen : at.chosen - at.chosen_reference;
    double const rejected = free ? at.rejected : at.rejected - at.rejected_reference;
    // The loss of a margin, the label as it is.
    auto const labelled = [&](double margin) -> Curve {
        auto const [as_labelled, opposite] = label_weights(rule, at.probability);
        Curve const here = margin_loss(rule, margin), there = margin_loss(rule, -margin);
        return {as_labelled * here.value + opposite * there.value, as_labelled * here.slope - opposite * there.slope};
    };
    PairLossValue result;
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
        case Kind::nca_pair: {
            Curve const up = logistic_loss(result.chosen_reward), down = logistic_loss(-result.chosen_reward);
            Curve const rejected_down = logistic_loss(-result.rejected_reward);
            result.loss = up.value + 0.5 * (down.value + rejected_down.value);
            result.chosen_slope = beta * (up.slope - 0.5 * down.slope);
            result.rejected_slope = -0.5 * beta * rejected_down.slope;
            return result;
        }
        case Kind::bco_pair: {
            Curve const up = logistic_loss(result.chosen_reward), down = logistic_loss(-result.rejected_reward);
            result.loss = up.value + down.value;
            result.chosen_slope = beta * up.slope;
            result.rejected_slope = -beta * down.slope;
            return result;
        }
        case Kind::sppo_hard: {
            double const above = chosen - 0.5 / beta, below = rejected + 0.5 / beta;
            result.loss = above * above + below * below;
            result.chosen_slope = 2.0 * above;
            result.rejected_slope = 2.0 * below;
            return result;
        }
        case Kind::aot:
        case Kind::aot_unpaired: {
            // Each answer's slope is that of the comparison in which it stands; the loss is the chosen one's, and its
            // mean over the step that of all comparisons.
            PairMatch const match = at.match ? *at.match : match_by_rank(rule.kind, {at}).front();
            bool const paired = rule.kind == Kind::aot;
            Curve const of_chosen = labelled(beta * ((paired ? at.chosen - at.rejected : chosen) - match.chosen));
            Curve const of_rejected = paired ? of_chosen : labelled(beta * (match.rejected - rejected));
            result.loss = of_chosen.value;
            result.chosen_slope = beta * of_chosen.slope;
            result.rejected_slope = -beta * of_rejected.slope;
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
    Curve const loss = labelled(margin);
    result.loss = loss.value;
    result.chosen_slope = chosen_scale * loss.slope;
    result.rejected_slope = -rejected_scale * loss.slope;
    return result;
}

}  // namespace alignsweep::losses
