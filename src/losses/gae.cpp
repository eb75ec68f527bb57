// SPDX-License-Identifier: Apache-2.0
#include "losses/gae.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cmath>

namespace alignsweep::losses {

double kl_estimate(double logprob, double reference_logprob, config::KlEstimator estimator) {
    double const k1 = logprob - reference_logprob;
    return estimator == config::KlEstimator::k3 ? std::exp(-k1) - 1.0 + k1 : k1;
}

void estimate_advantages(Episode& episode, double kl_coef, config::KlEstimator estimator, double gamma, double lambda) {
    std::size_t const length = episode.logprob.size();
    core::check(episode.value.size() == length && episode.reference_logprob.size() == length,
                "an episode has one value and one reference log-probability a token");
    episode.advantage.assign(length, 0.0);
    episode.returns.assign(length, 0.0);
    double next_value = 0.0, next_advantage = 0.0;
    for (std::size_t t = length; t-- > 0;) {
        double reward = -kl_coef * kl_estimate(episode.logprob[t], episode.reference_logprob[t], estimator);
        if (t + 1 == length) { reward += episode.score; }
        double const delta = reward + gamma * next_value - episode.value[t];
        next_advantage = delta + gamma * lambda * next_advantage;
        next_value = episode.value[t];
        episode.advantage[t] = next_advantage;
        episode.returns[t] = next_advantage + episode.value[t];
    }
}

void whiten_advantages(std::span<Episode> episodes) {
    double sum = 0.0, squares = 0.0;
    std::size_t count = 0;
    for (Episode const& episode : episodes) {
        for (double const advantage : episode.advantage) { sum += advantage; }
        count += episode.advantage.size();
    }
    if (count == 0) { return; }
    double const mean = sum / static_cast<double>(count);
    for (Episode const& episode : episodes) {
        for (double const advantage : episode.advantage) { squares += (advantage - mean) * (advantage - mean); }
    }
    double const variance = count > 1 ? squares / static_cast<double>(count - 1) : 1.0;
    for (Episode& episode : episodes) {
        for (double& advantage : episode.advantage) { advantage = (advantage - mean) / std::sqrt(variance + 1e-8); }
    }
}

double adapted_kl_coef(double coefficient, double kl, double episodes, KlTarget const& target) {
    double const error = std::clamp(kl / target.kl - 1.0, -0.2, 0.2);
    return coefficient * (1.0 + error * episodes / target.horizon);
}

double annealed_kl_coef(double start, double end, double progress) {
    return progress >= 1.0 ? end : end * std::pow(start / end, 1.0 - progress);
}

}  // namespace alignsweep::losses
