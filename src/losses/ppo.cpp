// SPDX-License-Identifier: Apache-2.0
#include "losses/ppo.hpp"

#include <algorithm>
#include <cmath>

namespace alignsweep::losses {

void RolloutLoss::prepare(std::span<std::int64_t const> examples, std::span<double const> /*probe_logps*/) {
    std::size_t tokens = 0;
    for (std::int64_t const example : examples) {
        tokens += rollout_.episodes[static_cast<std::size_t>(example)].logprob.size();
    }
    tokens_ = static_cast<double>(std::max<std::size_t>(1, tokens));
}

model::ChunkGradients PpoPolicyLoss::backward(std::span<SequenceOutputs const> sequences,
                                              model::ChunkOutputs const& outputs, MetricSums& metrics) const {
    model::ChunkGradients gradients;
    gradients.logprob.resize(outputs.logprob.size());
    double loss = 0.0, approx_kl = 0.0, clipped_tokens = 0.0, ratios = 0.0, ratio_squares = 0.0, entropy = 0.0;
    for (SequenceOutputs const& sequence : sequences) {
        Episode const& episode = rollout_.episodes[static_cast<std::size_t>(sequence.example)];
        for (std::size_t t = sequence.target_begin; t < sequence.target_end; ++t) {
            std::size_t const token = t - sequence.target_begin;
            double const change = outputs.logprob[t] - episode.logprob[token], advantage = episode.advantage[token];
            double const ratio = std::exp(change);
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

model::ChunkGradients PpoValueLoss::backward(std::span<SequenceOutputs const> sequences,
                                             model::ChunkOutputs const& outputs, MetricSums& metrics) const {
    model::ChunkGradients gradients;
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

model::ChunkGradients PpoSharedLoss::backward(std::span<SequenceOutputs const> sequences,
                                              model::ChunkOutputs const& outputs, MetricSums& metrics) const {
    auto gradients = policy_.backward(sequences, outputs, metrics);
    gradients.value = value_.backward(sequences, outputs, metrics).value;
    return gradients;
}

model::ChunkGradients PpoTextLoss::backward(std::span<SequenceOutputs const> sequences,
                                            model::ChunkOutputs const& outputs, MetricSums& metrics) const {
    MetricSums own;
    auto gradients = CrossEntropy::backward(sequences, outputs, own);
    for (double& slope : gradients.logprob) { slope *= coefficient_; }
    auto const count = static_cast<double>(outputs.logprob.size());
    if (count > 0.0) { metrics.add("policy/ptx_loss", own.values().at("loss") * count, count); }
    return gradients;
}

}  // namespace alignsweep::losses
