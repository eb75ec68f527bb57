// SPDX-License-Identifier: Apache-2.0
#include "losses/ppo.hpp"

#include "core/error.hpp"
#include "core/math.hpp"

#include <algorithm>
#include <cmath>

namespace alignsweep::losses {

double kl_estimate(double logprob, double reference_logprob, KlEstimator estimator) {
    double const k1 = logprob - reference_logprob;
    return estimator == KlEstimator::k3 ? core::math::exp(-k1) - 1.0 + k1 : k1;
}

void estimate_advantages(Episode& episode, double kl_coef, KlEstimator estimator, double gamma, double lambda) {
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
    return progress >= 1.0 ? end : end * core::math::pow(start / end, 1.0 - progress);
}

void RolloutLoss::prepare(std::span<std::int64_t const> examples, std::span<double const> /*probe_logps*/) {
    std::size_t tokens = 0;
    for (std::int64_t const example : examples) {
        tokens += rollout_.episodes[static_cast<std::size_t>(example)].logprob.size();
    }
    tokens_ = static_cast<double>(std::max<std::size_t>(1, tokens));
}

ChunkGradients PpoPolicyLoss::backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const {
    ChunkGradients gradients;
    gradients.logprob.resize(outputs.logprob.size());
    double loss = 0.0, approx_kl = 0.0, clipped_tokens = 0.0, ratios = 0.0, ratio_squares = 0.0, entropy = 0.0;
    for (SequenceOutputs const& sequence : sequences) {
        Episode const& episode = rollout_.episodes[static_cast<std::size_t>(sequence.example)];
        for (std::size_t t = sequence.target_begin; t < sequence.target_end; ++t) {
            std::size_t const token = t - sequence.target_begin;
            double const change = outputs.logprob[t] - episode.logprob[token], advantage = episode.advantage[token];
            double const ratio = core::math::exp(change);
            double const plain = -advantage * ratio;
            double const clipped = -advantage * std::clamp(ratio, 1.0 - clip_range_, 1.0 + clip_range_);
            loss += std::max(plain, clipped);
            // Where the clipped term is the larger, the ratio is outside the range and the slope is 0.
            gradients.logprob[t] = plain >= clipped ? plain / tokens_ : 0.0;
            clipped_tokens += clipped > plain ? 1.0 : 0.0;
            approx_kl += 0.5 * change * change;
            ratios += ratio;
            ratio_squares += (ratio - 1.0) * (ratio - 1.0);
            entropy += outputs.entropy[t];
        }
    }
    double const count = static_cast<double>(outputs.logprob.size());
    metrics.add("policy/loss_avg", loss, count);
    metrics.add("policy/approxkl_avg", approx_kl, count);
    metrics.add("policy/clipfrac_avg", clipped_tokens, count);
    metrics.add("policy/entropy_avg", entropy, count);
    metrics.add("val/ratio", ratios, count);
    metrics.add("val/ratio_var", ratio_squares, count);  // about 1, the ratio's mean under the rollout's policy
    return gradients;
}

ChunkGradients PpoValueLoss::backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const {
    ChunkGradients gradients;
    gradients.value.resize(outputs.value.size());
    double loss = 0.0, clipped_tokens = 0.0;
    for (SequenceOutputs const& sequence : sequences) {
        Episode const& episode = rollout_.episodes[static_cast<std::size_t>(sequence.example)];
        for (std::size_t t = sequence.value_begin; t < sequence.value_end; ++t) {
            std::size_t const token = t - sequence.value_begin;
            double const value = outputs.value[t], old = episode.value[token], goal = episode.returns[token];
            double const clipped = std::clamp(value, old - clip_range_, old + clip_range_);
            double const plain_square = (value - goal) * (value - goal);
            double const clipped_square = (clipped - goal) * (clipped - goal);
            bool const use_plain = plain_square >= clipped_square;
            loss += 0.5 * (use_plain ? plain_square : clipped_square);
            clipped_tokens += use_plain ? 0.0 : 1.0;
            gradients.value[t] = use_plain ? coefficient_ * (value - goal) / tokens_ : 0.0;
        }
    }
    double const count = static_cast<double>(outputs.value.size());
    metrics.add("val/loss_avg", loss, count);
    metrics.add("val/clipfrac_avg", clipped_tokens, count);
    return gradients;
}

void PpoSharedLoss::prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) {
    policy_.prepare(examples, probe_logps);
    value_.prepare(examples, probe_logps);
}

ChunkGradients PpoSharedLoss::backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const {
    auto gradients = policy_.backward(sequences, outputs, metrics);
    gradients.value = value_.backward(sequences, outputs, metrics).value;
    return gradients;
}

ChunkGradients PpoTextLoss::backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const {
    MetricSums own;
    auto gradients = CrossEntropy::backward(sequences, outputs, own);
    for (double& slope : gradients.logprob) { slope *= coefficient_; }
    auto const count = static_cast<double>(outputs.logprob.size());
    if (count > 0.0) { metrics.add("policy/ptx_loss", own.values().at("loss") * count, count); }
    return gradients;
}

}  // namespace alignsweep::losses
