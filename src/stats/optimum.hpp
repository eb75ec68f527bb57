// SPDX-License-Identifier: Apache-2.0
// The optimum of the KL-regularised objective over responses that can all be listed, and distances to it. All vectors
// hold one number a response to the same prompt; log-probabilities are in nats.
#pragma once

#include <span>
#include <vector>

namespace alignsweep::stats {

using Numbers = std::span<double const>;

// J(pi) = E_pi[r] - beta KL(pi || ref), reward units.
[[nodiscard]] double regularised_objective(Numbers policy, Numbers reference, Numbers reward, double beta);

// Its maximiser pi*(y) = ref(y) exp(r(y) / beta) / Z, with J(pi*) = beta log Z (Korbak et al., arXiv:2205.11275,
// section 2; Rafailov et al., arXiv:2305.18290, eq. 4). For every pi, J(pi*) - J(pi) = beta KL(pi || pi*).
struct Optimum {
    std::vector<double> logprob;
    double objective;
};
[[nodiscard]] Optimum regularised_optimum(Numbers reference, Numbers reward, double beta);

// KL(p || q); a response of probability 0 under p adds nothing.
[[nodiscard]] double kl_divergence(Numbers p, Numbers q);

[[nodiscard]] double expectation(Numbers logprob, Numbers value);

// Sum of the probabilities, which must be 1.
[[nodiscard]] double total_probability(Numbers logprob);

// P(value of a draw from p > that of a draw from q) + P(equal) / 2.
[[nodiscard]] double win_probability(Numbers p, Numbers q, Numbers value);

// What is left of `gold` in `recovered`, both up to a constant, with the responses weighted by `weights` (log): the
// mean square of the difference and the variance of gold.
struct Recovery {
    double error_square, gold_variance;
};
[[nodiscard]] Recovery reward_recovery(Numbers recovered, Numbers gold, Numbers weights);

}  // namespace alignsweep::stats
