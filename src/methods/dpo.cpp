// SPDX-License-Identifier: Apache-2.0
#include "methods/dpo.hpp"

#include <algorithm>

namespace alignsweep::methods {

void Dpo::prepare(std::span<std::int64_t const> examples, std::span<double const> /*probe_logps*/) {
    count_ = static_cast<double>(examples.size());
    std::int64_t chosen_tokens = 0;
    for (std::int64_t const example : examples) { chosen_tokens += target_count(sequence(example, 0), targets()); }
    likelihood_tokens_ = static_cast<double>(chosen_tokens) / std::max(1.0, count_);
}

model::ChunkGradients Dpo::loss(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                MetricSums& metrics) const {
    model::ChunkGradients gradients;
    gradients.logprob.resize(outputs.logprob.size());
    auto const tokens = [](SequenceOutputs const& s) { return static_cast<double>(s.target_end - s.target_begin); };
    // A log-probability is a sum over tokens: its derivative is that of each of them.
    auto const fill = [&](SequenceOutputs const& s, double slope) {
        for (std::size_t t = s.target_begin; t < s.target_end; ++t) { gradients.logprob[t] = slope / count_; }
    };
    for (std::size_t s = 0; s + 1 < sequences.size(); s += 2) {
        SequenceOutputs const &better = sequences[s], &worse = sequences[s + 1];
        Pair const& pair = pairs_[static_cast<std::size_t>(better.example)];
        PairLogprobs const at{summed_logprob(better, outputs),
                              summed_logprob(worse, outputs),
                              pair.chosen_reference,
                              pair.rejected_reference,
                              tokens(better),
                              tokens(worse),
                              pair.probability,
                              likelihood_tokens_};
        PairLoss const loss = pair_loss(rule_, at);
        fill(better, loss.chosen_slope);
        fill(worse, loss.rejected_slope);
        double const margin = loss.chosen_reward - loss.rejected_reward;
        metrics.add("loss", loss.loss, 1.0);
        metrics.add("rewards/chosen", loss.chosen_reward, 1.0);
        metrics.add("rewards/rejected", loss.rejected_reward, 1.0);
        metrics.add("rewards/margins", margin, 1.0);
        metrics.add("rewards/accuracies", margin > 0.0 ? 1.0 : 0.0, 1.0);
        metrics.add("logps/chosen", at.chosen, 1.0);
        metrics.add("logps/rejected", at.rejected, 1.0);
    }
    add_entropy(outputs, metrics);
    return gradients;
}

}  // namespace alignsweep::methods
