// SPDX-License-Identifier: Apache-2.0
#include "methods/dpo.hpp"

namespace alignsweep::methods {

void Dpo::prepare(std::span<std::int64_t const> examples, std::span<double const> /*probe_logps*/) {
    count_ = static_cast<double>(examples.size());
}

model::ChunkGradients Dpo::loss(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                MetricSums& metrics) const {
    model::ChunkGradients gradients;
    gradients.logprob.resize(outputs.logprob.size());
    for (std::size_t s = 0; s + 1 < sequences.size(); s += 2) {
        Pair const& pair = pairs_[static_cast<std::size_t>(sequences[s].example)];
        double const chosen = summed_logprob(sequences[s], outputs);
        double const rejected = summed_logprob(sequences[s + 1], outputs);
        double const chosen_reward = beta_ * (chosen - pair.chosen_reference);
        double const rejected_reward = beta_ * (rejected - pair.rejected_reference);
        double const margin = chosen_reward - rejected_reward;
        // d loss / d log pi(chosen) = -beta (1 - sigma(margin)) / n, and the opposite for the rejected one.
        double const slope = beta_ * sigmoid(-margin) / count_;
        for (std::size_t t = sequences[s].target_begin; t < sequences[s].target_end; ++t) {
            gradients.logprob[t] = -slope;
        }
        for (std::size_t t = sequences[s + 1].target_begin; t < sequences[s + 1].target_end; ++t) {
            gradients.logprob[t] = slope;
        }
        metrics.add("loss", -log_sigmoid(margin), 1.0);
        metrics.add("rewards/chosen", chosen_reward, 1.0);
        metrics.add("rewards/rejected", rejected_reward, 1.0);
        metrics.add("rewards/margins", margin, 1.0);
        metrics.add("rewards/accuracies", margin > 0.0 ? 1.0 : 0.0, 1.0);
        metrics.add("logps/chosen", chosen, 1.0);
        metrics.add("logps/rejected", rejected, 1.0);
    }
    add_entropy(outputs, metrics);
    return gradients;
}

}  // namespace alignsweep::methods
