// SPDX-License-Identifier: Apache-2.0
// The losses of one labelled pair, as numbers: what `PairLoss` trains with and what `alignsweep score` reports.
#pragma once

#include "config/method_sections.hpp"

#include <optional>
#include <vector>

namespace alignsweep::losses {

// With c and r = log pi of the chosen and the rejected completion (sums over their n_c and n_r tokens), c' and r' the
// same less log pi_ref, D = beta (c' - r'), l(x) = -log sigma(x) and e = label_smoothing:
//
//   sigmoid       l(D)                                        Rafailov et al., arXiv:2305.18290, eq. 7
//   cdpo          (1 - e) l(D) + e l(-D)                      Mitchell, A note on DPO with noisy preferences, eq. 3
//   rdpo          [(1 - e) l(D) - e l(-D)] / (1 - 2 e)        Ray Chowdhury et al., arXiv:2403.00409
//   hinge         max(0, 1 - D)                               SLiC: Zhao et al., arXiv:2305.10425; on log-ratios, as
//                                                             Liu et al., arXiv:2309.06657
//   ipo           (c' / n_c - r' / n_r - 1 / (2 beta))^2      Azar et al., arXiv:2310.12036, eq. 17; beta is its tau
//   simpo         l(beta (c / n_c - r / n_r - gamma_ratio))   Meng et al., arXiv:2405.14734, eq. 6
//   orpo          -c / n_c + beta l(o(c / n_c) - o(r / n_r))  Hong et al., arXiv:2403.07691, eq. 6 and 7, with the
//                                                             log-odds o(a) = a - log(1 - exp a); beta is its lambda
//   apo_zero      1 - sigma(beta c') + sigma(beta r')         D'Oosterlinck et al., arXiv:2408.06266, eq. 7
//   apo_down      sigma(beta c') + 1 - sigma(D)               the same, eq. 8
//   sigmoid_norm  l(beta (c' / n_c - r' / n_r))               Lambert et al., arXiv:2411.15124 (Tulu 3)
//   exo_pair      KL(q || p), q = (sigma(D), sigma(-D)),      Ji et al., arXiv:2402.00856, eq. 16
//                 p = (1 - e, e)
//   nca_pair      l(beta c') + [l(-beta c') + l(-beta r')] / 2  Chen et al., arXiv:2402.05369, for two answers
//   bco_pair      l(beta c') + l(-beta r')                    Jung et al., arXiv:2404.04656, with no reward shift
//   sppo_hard     (c' - h)^2 + (r' + h)^2, h = 1 / (2 beta)   Wu et al., arXiv:2405.00675, eq. 4.7 with P = 1 and 0
//   discopop      (1 - w) l(D) + w exp(-D),                   Lu et al., arXiv:2406.08414, eq. 5
//                 w = sigma(D / discopop_tau)
//   aot           (1 - e) l(A) + e l(-A), A = beta (c - r - m), m: the number among the step's reference margins
//                 log pi_ref(chosen) - log pi_ref(rejected) that has the rank of c - r among the policy's
//   aot_unpaired  the same of A = beta (c' - m), m: the number among the step's r' that has the rank of c' among the
//                 step's c'; both: Melnyk et al., arXiv:2406.05882
//
// Where libraries disagree:
// - label smoothing: TRL 1.16 has rdpo (its `robust`) and leaves label_smoothing unread under `sigmoid`; OpenRLHF's is
//   cdpo. Both are here, under names of their own.
// - ipo: TRL and HALOs take means over tokens, OpenRLHF sums. The paper's margin 1 / (2 tau) is one number for all
//   pairs; against sums it would ask the same of 3 tokens as of 300, and TRL's authors had the means confirmed by the
//   paper's.
// - simpo: TRL's CPO trainer adds cpo_alpha times the likelihood of the chosen unless told not to; the paper, and
//   this, do not.
// - orpo: TRL's likelihood term is a mean over all tokens of the batch's chosen sequences, prompts included. Here it is
//   the mean over the step's completion tokens: no other method of alignment here learns to write prompts, and a
//   comparison of methods should not depend on that.
// - exo_pair: infinite at e = 0, which is refused; the paper takes 0.001.
// - bco_pair: the paper's reward shift, a running mean, is 0 here as in TRL 1.16.
// - discopop is not convex: at the paper's tau, 0.05, the loss rises around D = 0, and a policy that starts at the
//   reference falls to a local minimum at D = -0.1 first.
enum class PairLossKind {
    sigmoid,
    cdpo,
    rdpo,
    hinge,
    ipo,
    simpo,
    orpo,
    apo_zero,
    apo_down,
    sigmoid_norm,
    exo_pair,
    nca_pair,
    bco_pair,
    sppo_hard,
    discopop,
    aot,
    aot_unpaired
};

// All of them, in the order of the list above, and their names in the configuration.
[[nodiscard]] std::vector<PairLossKind> pair_loss_kinds();
[[nodiscard]] char const* pair_loss_name(PairLossKind kind);

// simpo, orpo.
[[nodiscard]] bool is_reference_free(PairLossKind kind);
// Its loss hangs on the step's other pairs: aot, aot_unpaired.
[[nodiscard]] bool is_matched(PairLossKind kind);
// It reads label_smoothing: cdpo, rdpo, exo_pair, aot, aot_unpaired.
[[nodiscard]] bool is_smoothed(PairLossKind kind);
// A label that holds with probability p costs p L(chosen, rejected) + (1 - p) L(rejected, chosen). That says something
// where L is a function of one margin of the pair that the swap negates; the others (orpo, apo_zero, apo_down,
// nca_pair, bco_pair, sppo_hard) move each answer on its own, and the matched ones compare it with other pairs.
[[nodiscard]] bool takes_soft_labels(PairLossKind kind);

struct PairLossRule {
    PairLossKind kind = PairLossKind::sigmoid;
    double beta = 0.1, label_smoothing = 0.0, gamma_ratio = 0.3, discopop_tau = 0.05;
};

// The rule of a section. Throws ConfigError for a key that differs from its default and that this loss would ignore
// (label_smoothing where it is not read, for one: trl#3906), and for exo_pair without smoothing.
[[nodiscard]] PairLossRule pair_loss_rule(config::DpoConfig const& config);

// What the answers of a pair are compared with where the step's pairs are matched by rank: the numbers m above, for the
// chosen answer and (aot_unpaired, c' of the rank of r') for the rejected one.
struct PairMatch {
    double chosen = 0.0, rejected = 0.0;
};

// Summed log-probabilities over completion tokens, nats, under the policy and under the reference. A count of 0 (an
// empty completion) is taken as 1.
struct PairLogprobs {
    double chosen = 0.0, rejected = 0.0, chosen_reference = 0.0, rejected_reference = 0.0;
    double chosen_tokens = 1.0, rejected_tokens = 1.0;
    double probability = 1.0;  // that `chosen` is the better one: below 1 for soft labels
    // orpo: divisor of the likelihood term, the step's chosen tokens over its pairs, so that the mean over pairs is the
    // mean over tokens; 0: chosen_tokens (a pair by itself).
    double likelihood_tokens = 0.0;
    // aot, aot_unpaired: from match_by_rank; nothing: a pair by itself, matched with itself.
    std::optional<PairMatch> match{};
};

// The matches of a step's pairs, in order (aot, aot_unpaired). Of equal numbers the first counts as the smaller.
[[nodiscard]] std::vector<PairMatch> match_by_rank(PairLossKind kind, std::vector<PairLogprobs> const& pairs);

// The loss, its derivatives by `chosen` and `rejected`, and the implicit rewards as TRL reports them: beta times the
// log-ratio; without a reference, beta times the mean log-probability of a token.
struct PairLossValue {
    double loss = 0.0, chosen_slope = 0.0, rejected_slope = 0.0, chosen_reward = 0.0, rejected_reward = 0.0;
};
// Throws ConfigError for a soft label that this loss cannot take.
[[nodiscard]] PairLossValue pair_loss(PairLossRule const& rule, PairLogprobs const& logprobs);

}  // namespace alignsweep::losses
