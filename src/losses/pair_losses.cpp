// SPDX-License-Identifier: Apache-2.0
// The table of the losses of a pair: equations, derivatives, sources.
#include "losses/preference.hpp"

#include "core/error.hpp"
#include "core/math.hpp"
#include "losses/loss.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace alignsweep::losses {

namespace {

using Rule = PairLossRule;
using Point = PairPoint const&;

// Loss and derivative.
struct Curve {
    double value, slope;
};

Curve logistic_loss(double x) { return {-log_sigmoid(x), -sigmoid(-x)}; }

Curve sigmoid_curve(double x) {
    double const value = sigmoid(x);
    return {value, value * sigmoid(-x)};
}

// --- losses of one margin, the label being right ---
using MarginLoss = Curve (*)(Rule const&, double margin);

Curve logistic(Rule const& /*rule*/, double margin) { return logistic_loss(margin); }

Curve hinge(Rule const& /*rule*/, double margin) { return {std::max(0.0, 1.0 - margin), margin < 1.0 ? -1.0 : 0.0}; }

Curve squared(Rule const& rule, double margin) {
    double const gap = margin - 1.0 / (2.0 * rule.beta);
    return {gap * gap, 2.0 * gap};
}

Curve shifted(Rule const& rule, double margin) { return logistic_loss(margin - rule.beta * rule.gamma_ratio); }

Curve divergence(Rule const& rule, double margin) {
    double const e = rule.label_smoothing, better = log_sigmoid(margin), worse = log_sigmoid(-margin);
    double const q = core::math::exp(better), complement = core::math::exp(worse),
                 odds = core::math::log1p(-e) - core::math::log(e);
    return {q * (better - core::math::log1p(-e)) + complement * (worse - core::math::log(e)),
            q * complement * (margin - odds)};
}

Curve blend(Rule const& rule, double margin) {
    double const tau = rule.discopop_tau;
    Curve const weight = sigmoid_curve(margin / tau), logistic = logistic_loss(margin);
    // w exp(-D) as one exponential: apart, one is 0 and the other infinite where the margin is far below 0.
    double const exponential = core::math::exp(log_sigmoid(margin / tau) - margin), rest = sigmoid(-margin / tau);
    return {rest * logistic.value + exponential,
            rest * logistic.slope - weight.slope / tau * logistic.value + exponential * (rest / tau - 1.0)};
}

// --- what the loss of the label as it stands and of the opposite label weigh ---
using LabelWeights = std::pair<double, double> (*)(Point);

std::pair<double, double> as_given(Point point) { return {point.at.probability, 1.0 - point.at.probability}; }

std::pair<double, double> smoothed(Point point) {
    double const probability = point.at.probability, opposite = 1.0 - probability, e = point.rule.label_smoothing;
    return {probability * (1.0 - e) + opposite * e, opposite * (1.0 - e) + probability * e};
}

std::pair<double, double> unbiased(Point point) {
    double const probability = point.at.probability, opposite = 1.0 - probability, e = point.rule.label_smoothing;
    return {(probability * (1.0 - e) - opposite * e) / (1.0 - 2.0 * e),
            (opposite * (1.0 - e) - probability * e) / (1.0 - 2.0 * e)};
}

Curve labelled(Point point, MarginLoss loss, LabelWeights weights, double margin) {
    auto const [as_labelled, opposite] = weights(point);
    Curve const here = loss(point.rule, margin), there = loss(point.rule, -margin);
    return {as_labelled * here.value + opposite * there.value, as_labelled * here.slope - opposite * there.slope};
}

// --- margins ---
PairLossSlopes of_margin(Point point, double chosen_scale, double rejected_scale, MarginLoss loss,
                         LabelWeights weights) {
    double const margin = chosen_scale * point.chosen - rejected_scale * point.rejected;
    Curve const here = labelled(point, loss, weights, margin);
    return {here.value, chosen_scale * here.slope, -rejected_scale * here.slope};
}

// beta D.
template <MarginLoss loss, LabelWeights weights = as_given>
PairLossSlopes of_sums(Point point) {
    return of_margin(point, point.rule.beta, point.rule.beta, loss, weights);
}

// The same of c and r divided by their tokens; ipo's has no beta.
template <MarginLoss loss, bool times_beta = true>
PairLossSlopes of_means(Point point) {
    double const numerator = times_beta ? point.rule.beta : 1.0;
    return of_margin(point, numerator / point.chosen_tokens, numerator / point.rejected_tokens, loss, as_given);
}

// --- alignment by optimal transport in one dimension: the cheapest way from one sample to another of the same size
// takes each number to that of its rank (Melnyk et al., arXiv:2406.05882, section 3) ---
std::vector<std::size_t> ascending(std::vector<double> const& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    return order;
}

// Each answer's slope is that of the comparison in which it stands; the loss is the chosen one's, and its mean over the
// step that of all comparisons.
PairMatch match_of(Point point) {
    return point.at.match ? *point.at.match : match_by_rank(*point.rule.row, {point.at}).front();
}

std::pair<double, double> margins(PairLogprobs const& at) {
    return {at.chosen - at.rejected, at.chosen_reference - at.rejected_reference};
}

PairLossSlopes aot(Point point) {
    double const beta = point.rule.beta;
    Curve const both =
        labelled(point, logistic, smoothed, beta * ((point.at.chosen - point.at.rejected) - match_of(point).chosen));
    return {both.value, beta * both.slope, -beta * both.slope};
}

std::pair<double, double> ratios(PairLogprobs const& at) {
    return {at.chosen - at.chosen_reference, at.rejected - at.rejected_reference};
}

PairLossSlopes aot_unpaired(Point point) {
    double const beta = point.rule.beta;
    PairMatch const match = match_of(point);
    Curve const of_chosen = labelled(point, logistic, smoothed, beta * (point.chosen - match.chosen));
    Curve const of_rejected = labelled(point, logistic, smoothed, beta * (match.rejected - point.rejected));
    return {of_chosen.value, beta * of_chosen.slope, -beta * of_rejected.slope};
}

// --- losses that move each answer on its own ---
// Log-odds of an answer whose mean log-probability is a, and their derivative. They are infinite at probability 1: an
// answer counts as at most so probable that its odds are a million.
Curve log_odds(double a) {
    double const mean = std::min(a, -1e-6);
    double const complement = -core::math::expm1(mean);
    return {mean - core::math::log(complement), 1.0 / complement};
}

PairLossSlopes orpo(Point point) {
    double const beta = point.rule.beta;
    Curve const better = log_odds(point.chosen / point.chosen_tokens);
    Curve const worse = log_odds(point.rejected / point.rejected_tokens);
    Curve const ratio = logistic_loss(better.value - worse.value);
    double const given = point.at.likelihood_tokens, likelihood_tokens = given > 0.0 ? given : point.chosen_tokens;
    return {-point.chosen / likelihood_tokens + beta * ratio.value,
            -1.0 / likelihood_tokens + beta * ratio.slope * better.slope / point.chosen_tokens,
            -beta * ratio.slope * worse.slope / point.rejected_tokens};
}

PairLossSlopes apo_zero(Point point) {
    Curve const fall = sigmoid_curve(-point.chosen_reward), rise = sigmoid_curve(point.rejected_reward);
    return {fall.value + rise.value, -point.rule.beta * fall.slope, point.rule.beta * rise.slope};
}

PairLossSlopes apo_down(Point point) {
    Curve const rise = sigmoid_curve(point.chosen_reward);
    Curve const order = sigmoid_curve(point.rejected_reward - point.chosen_reward);
    return {rise.value + order.value, point.rule.beta * (rise.slope - order.slope), point.rule.beta * order.slope};
}

PairLossSlopes nca_pair(Point point) {
    Curve const up = logistic_loss(point.chosen_reward), down = logistic_loss(-point.chosen_reward);
    Curve const rejected_down = logistic_loss(-point.rejected_reward);
    return {up.value + 0.5 * (down.value + rejected_down.value), point.rule.beta * (up.slope - 0.5 * down.slope),
            -0.5 * point.rule.beta * rejected_down.slope};
}

PairLossSlopes bco_pair(Point point) {
    Curve const up = logistic_loss(point.chosen_reward), down = logistic_loss(-point.rejected_reward);
    return {up.value + down.value, point.rule.beta * up.slope, -point.rule.beta * down.slope};
}

PairLossSlopes sppo_hard(Point point) {
    double const beta = point.rule.beta, above = point.chosen - 0.5 / beta, below = point.rejected + 0.5 / beta;
    return {above * above + below * below, 2.0 * above, 2.0 * below};
}

}  // namespace

// c, r: log pi - log pi_ref of the chosen and the rejected completion, sums over tokens; D = c - r;
// l(x) = -log sigma(x); e = label_smoothing.
std::span<PairLossRow const> pair_losses() {
    static std::vector<PairLossRow> const table{
        // TRL 1.16 leaves label_smoothing unread here; OpenRLHF's makes it cdpo.
        {"sigmoid", "l(beta D)", "Rafailov et al. 2305.18290, eq. 7", of_sums<logistic>},
        {"cdpo", "(1 - e) l(beta D) + e l(-beta D), e = label_smoothing", "Mitchell, note on DPO, 2023, eq. 3",
         of_sums<logistic, smoothed>, reads_smoothing},
        // TRL's `robust`.
        {"rdpo", "[(1 - e) l(beta D) - e l(-beta D)] / (1 - 2 e)", "Ray Chowdhury et al. 2403.00409",
         of_sums<logistic, unbiased>, reads_smoothing},
        // On log-ratios as Liu et al. 2309.06657.
        {"hinge", "max(0, 1 - beta D)", "Zhao et al. 2305.10425 (SLiC-HF)", of_sums<hinge>},
        // TRL and HALOs take means over tokens, OpenRLHF sums. The paper's margin 1 / (2 tau) is one number for all
        // pairs; against sums it would ask the same of 3 tokens as of 300, and TRL's authors had the means confirmed by
        // the paper's.
        {"ipo", "(d - 1 / (2 beta))^2, d = D of the log-ratios' means over tokens",
         "Azar et al. 2310.12036, eq. 17; means as in TRL", of_means<squared, false>},
        // TRL's CPO trainer adds cpo_alpha times the likelihood of the chosen unless told not to; the paper does not.
        {"simpo", "l(beta (log pi(chosen) / tokens - log pi(rejected) / tokens - gamma_ratio))",
         "Meng et al. 2405.14734, eq. 6; no reference", of_means<shifted>, reads_gamma_ratio | no_reference},
        // TRL's likelihood term is a mean over all tokens of the batch's chosen sequences, prompts included. Here it is
        // the mean over the step's completion tokens: no other method here learns to write prompts, and a comparison of
        // methods should not depend on that.
        {"orpo", "-log pi(chosen) / tokens + beta l(log odds(chosen) - log odds(rejected))",
         "Hong et al. 2403.07691, eq. 6 and 7; no reference", orpo, no_reference | hard_labels},
        {"apo_zero", "1 - sigma(beta c) + sigma(beta r)", "D'Oosterlinck et al. 2408.06266, eq. 7", apo_zero,
         hard_labels},
        {"apo_down", "sigma(beta c) + 1 - sigma(beta D)", "D'Oosterlinck et al. 2408.06266, eq. 8", apo_down,
         hard_labels},
        {"sigmoid_norm", "l(beta (c / tokens - r / tokens))", "Lambert et al. 2411.15124, eq. 6", of_means<logistic>},
        // Infinite at e = 0; the paper takes 0.001.
        {"exo_pair", "KL((sigma(beta D), sigma(-beta D)) || (1 - e, e)), e = label_smoothing",
         "Ji et al. 2402.00856, eq. 16", of_sums<divergence>, reads_smoothing | needs_smoothing},
        {"nca_pair", "l(beta c) + [l(-beta c) + l(-beta r)] / 2", "Chen et al. 2402.05369", nca_pair, hard_labels},
        // The paper's reward shift, a running mean, is 0 as in TRL 1.16.
        {"bco_pair", "l(beta c) + l(-beta r)", "Jung et al. 2404.04656; no reward shift, as in TRL", bco_pair,
         hard_labels},
        // With P = 1 and 0.
        {"sppo_hard", "(c - 1 / (2 beta))^2 + (r + 1 / (2 beta))^2", "Wu et al. 2405.00675, eq. 4.7", sppo_hard,
         hard_labels},
        // Not convex: at the paper's tau, 0.05, the loss rises around D = 0, and a policy that starts at the reference
        // falls to a local minimum at beta D = -0.1 first.
        {"discopop", "(1 - w) l(beta D) + w exp(-beta D), w = sigma(beta D / discopop_tau)",
         "Lu et al. 2406.08414, eq. 5", of_sums<blend>, reads_tau},
        {"aot", "cdpo's, each policy margin against the reference margin of its rank in the step",
         "Melnyk et al. 2406.05882", aot, reads_smoothing | hard_labels, margins},
        {"aot_unpaired", "cdpo's, each c against the r of its rank in the step", "Melnyk et al. 2406.05882",
         aot_unpaired, reads_smoothing | hard_labels, ratios},
    };
    return table;
}

std::vector<PairMatch> match_by_rank(PairLossRow const& row, std::vector<PairLogprobs> const& pairs) {
    core::check(row.matched != nullptr, "a loss that matches no pairs: ", row.name);
    std::vector<double> first, second;
    for (PairLogprobs const& at : pairs) {
        auto const numbers = row.matched(at);
        first.push_back(numbers.first);
        second.push_back(numbers.second);
    }
    auto const left = ascending(first), right = ascending(second);
    std::vector<PairMatch> matches(pairs.size());
    for (std::size_t rank = 0; rank < pairs.size(); ++rank) {
        matches[left[rank]].chosen = second[right[rank]];
        matches[right[rank]].rejected = first[left[rank]];
    }
    return matches;
}

PairLossValue pair_loss(PairLossRule const& rule, PairLogprobs const& at) {
    PairLossRow const& row = *rule.row;
    if (at.probability < 1.0 && row.is(hard_labels)) {
        throw core::ConfigError("dpo.loss = ", row.name, " takes no label with a probability below 1 (", at.probability,
                                " here): it has no margin that swapping the answers negates");
    }
    bool const free = row.is(no_reference);
    double const chosen = free ? at.chosen : at.chosen - at.chosen_reference;
    double const rejected = free ? at.rejected : at.rejected - at.rejected_reference;
    double const chosen_tokens = std::max(1.0, at.chosen_tokens), rejected_tokens = std::max(1.0, at.rejected_tokens);
    double const chosen_reward = rule.beta * (free ? chosen / chosen_tokens : chosen);
    double const rejected_reward = rule.beta * (free ? rejected / rejected_tokens : rejected);
    return {row.loss({rule, at, chosen, rejected, chosen_tokens, rejected_tokens, chosen_reward, rejected_reward}),
            chosen_reward, rejected_reward};
}

}  // namespace alignsweep::losses
