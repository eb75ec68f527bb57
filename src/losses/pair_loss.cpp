// SPDX-License-Identifier: Apache-2.0
#include "losses/pair_loss.hpp"

#include <algorithm>

namespace alignsweep::losses {

PairLogprobs PairLoss::numbers_of(std::int64_t example, double chosen, double rejected) const {
    auto const place = static_cast<std::size_t>(example);
    Pair const& pair = pairs_[place];
    return {.chosen = chosen,
            .rejected = rejected,
            .chosen_reference = pair.chosen_reference,
            .rejected_reference = pair.rejected_reference,
            .chosen_tokens = static_cast<double>(target_count(pair.chosen, targets())),
            .rejected_tokens = static_cast<double>(target_count(pair.rejected, targets())),
            .probability = pair.probability,
            .likelihood_tokens = likelihood_tokens_,
            .match = matches_.empty() ? std::nullopt : matches_[place]};
}

void PairLoss::prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) {
    count_ = static_cast<double>(examples.size());
    std::int64_t chosen_tokens = 0;
    for (std::int64_t const example : examples) { chosen_tokens += target_count(sequence(example, 0), targets()); }
    likelihood_tokens_ = static_cast<double>(chosen_tokens) / std::max(1.0, count_);
    if (rule_.row->matched == nullptr) { return; }
    std::vector<PairLogprobs> step;
    for (std::size_t i = 0; i < examples.size(); ++i) {
        step.push_back(numbers_of(examples[i], probe_logps[2 * i], probe_logps[2 * i + 1]));
    }
    auto const matches = match_by_rank(*rule_.row, step);
    matches_.resize(pairs_.size());
    for (std::size_t i = 0; i < examples.size(); ++i) { matches_[static_cast<std::size_t>(examples[i])] = matches[i]; }
}

model::ChunkGradients PairLoss::backward(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                         MetricSums& metrics) const {
    model::ChunkGradients gradients;
    gradients.logprob.resize(outputs.logprob.size());
    // A log-probability is a sum over tokens: its derivative is that of each of them.
    auto const fill = [&](SequenceOutputs const& s, double slope) {
        for (std::size_t t = s.target_begin; t < s.target_end; ++t) { gradients.logprob[t] = slope / count_; }
    };
    for (std::size_t s = 0; s + 1 < sequences.size(); s += 2) {
        SequenceOutputs const &better = sequences[s], &worse = sequences[s + 1];
        PairLogprobs const at =
            numbers_of(better.example, summed_logprob(better, outputs), summed_logprob(worse, outputs));
        PairLossValue const loss = pair_loss(rule_, at);
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

}  // namespace alignsweep::losses
