// SPDX-License-Identifier: Apache-2.0
#include "losses/reward_loss.hpp"

namespace alignsweep::losses {

void RewardLoss::prepare(std::span<std::int64_t const> examples, std::span<double const> /*probe_logps*/) {
    count_ = static_cast<double>(examples.size());
}

model::ChunkGradients RewardLoss::backward(std::span<SequenceOutputs const> sequences,
                                           model::ChunkOutputs const& outputs, MetricSums& metrics) const {
    model::ChunkGradients gradients;
    gradients.value.resize(outputs.value.size());
    for (std::size_t s = 0; s + 1 < sequences.size(); s += 2) {
        std::size_t const winner = sequences[s].value_begin, loser = sequences[s + 1].value_begin;
        double const gap = outputs.value[winner] - outputs.value[loser];
        double const total = outputs.value[winner] + outputs.value[loser];
        double const probability = pairs_[static_cast<std::size_t>(sequences[s].example)].probability;
        double const opposite = 1.0 - probability;
        double const slope =
            probability * sigmoid(-(gap - weights_.margin)) - opposite * sigmoid(-(-gap - weights_.margin));
        double const preference =
            -probability * log_sigmoid(gap - weights_.margin) - opposite * log_sigmoid(-gap - weights_.margin);
        gradients.value[winner] = (-slope + 2.0 * weights_.centering * total) / count_;
        gradients.value[loser] = (slope + 2.0 * weights_.centering * total) / count_;
        metrics.add("loss", preference + weights_.centering * total * total, 1.0);
        metrics.add("accuracy", gap > 0.0 ? 1.0 : 0.0, 1.0);
        metrics.add("margin", gap, 1.0);
        metrics.add("mean_reward", total, 2.0);
    }
    for (double const reward : outputs.value) {
        metrics.add_least("min_reward", reward);
        metrics.add_largest("max_reward", reward);
    }
    return gradients;
}

}  // namespace alignsweep::losses
