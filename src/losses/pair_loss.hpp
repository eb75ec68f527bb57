// SPDX-License-Identifier: Apache-2.0
// Direct preference optimisation and its relatives: everything that learns from pairs without a reward model.
#pragma once

#include "losses/loss.hpp"
#include "losses/pair_losses.hpp"
#include "losses/preference.hpp"

namespace alignsweep::losses {

// loss = mean over the step's pairs of pair_loss (pair_losses.cpp has the equations). Metrics: loss, entropy,
// rewards/{chosen,rejected,margins,accuracies} of pair_loss's implicit rewards, logps/{chosen,rejected}: sums over
// completion tokens, whatever the loss makes of them (TRL logs means under simpo and orpo). Matched losses
// match the pairs of the whole step, by the policy as it is before the step.
class PairLoss final : public Loss {
public:
    // `pairs` must outlive the loss; their reference log-probabilities are read at each step anew.
    PairLoss(std::span<Pair const> pairs, PairLossRule const& rule) : pairs_(pairs), rule_(rule) {}

    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(pairs_.size()); }
    [[nodiscard]] int sequences_per_example() const override { return 2; }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int which) const override {
        Pair const& pair = pairs_[static_cast<std::size_t>(example)];
        return which == 0 ? pair.chosen : pair.rejected;
    }
    [[nodiscard]] std::vector<data::Example const*> probes(std::int64_t example) const override {
        if (rule_.row->matched == nullptr) { return {}; }
        return {&sequence(example, 0), &sequence(example, 1)};
    }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    model::ChunkGradients backward(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                   MetricSums& metrics) const override;

private:
    // What a pair's numbers are, but for the policy's log-probabilities.
    [[nodiscard]] PairLogprobs numbers_of(std::int64_t example, double chosen, double rejected) const;

    std::span<Pair const> pairs_;
    PairLossRule rule_;
    // A pair of the data set, current for those of this step; empty: none.
    std::vector<std::optional<PairMatch>> matches_;
    double count_ = 1.0, likelihood_tokens_ = 0.0;
};

}  // namespace alignsweep::losses
