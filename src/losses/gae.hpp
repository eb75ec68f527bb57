// SPDX-License-Identifier: Apache-2.0
// What PPO makes of a rollout: per-token rewards, advantages, returns.
#pragma once

#include "config/method_sections.hpp"

#include <span>
#include <vector>

namespace alignsweep::losses {

// One sampled completion, a number a token.
struct Episode {
    std::vector<double> logprob, reference_logprob, value;
    double score = 0.0;  // of the whole completion, added to the last token's reward
    std::vector<double> advantage, returns;
};

// Estimators of the KL from one sample (Schulman, "Approximating KL divergence", 2020): k1 = log pi - log pi_ref,
// k3 = exp(-k1) - 1 + k1, which is never negative.
[[nodiscard]] double kl_estimate(double logprob, double reference_logprob, config::KlEstimator estimator);

// Generalised advantage estimation (Schulman et al., arXiv:1506.02438, eq. 16) with the per-token reward
// -kl_coef kl_t, plus the score at the last token; returns = advantage + value. Fills advantage and returns.
// The value after the last token is 0: the episode is over (Ziegler et al., arXiv:1909.08593). TRL's PPO gives the
// score of a completion shorter than the longest allowed one slot later and learns a value there; with that slot as
// one more token (equal log-probabilities), this gives TRL's numbers.
void estimate_advantages(Episode& episode, double kl_coef, config::KlEstimator estimator, double gamma, double lambda);

// Shifts and scales all advantages of the rollout to mean 0 and variance 1 (unbiased, 1e-8 added to the variance, as
// TRL's masked_whiten), over every token of every episode; a rollout of fewer than two tokens is only shifted. TRL
// takes the tokens of each process by themselves, so its result depends on their number (trl#2596); this does not.
void whiten_advantages(std::span<Episode> episodes);

// The KL coefficient of the next update, raised where the policy's KL (nats a sequence) is above the target and lowered
// where it is below: coefficient (1 + clip(kl / target - 1, -0.2, 0.2) n / horizon), n = the update's episodes. Ziegler
// et al., arXiv:1909.08593, section 2.2, whose K_beta is n / horizon here.
struct KlTarget {
    double kl, horizon;
};
[[nodiscard]] double adapted_kl_coef(double coefficient, double kl, double episodes, KlTarget const& target);

// A coefficient that falls from `start` to `end` (both above 0) by equal factors while `progress` goes from 0 to 1, and
// stays there. A policy that follows it stays near the optimum of each coefficient on the way; under a small one from
// the start it first gives up answers that its optimum keeps, and what is never sampled does not come back.
[[nodiscard]] double annealed_kl_coef(double start, double end, double progress);

}  // namespace alignsweep::losses
