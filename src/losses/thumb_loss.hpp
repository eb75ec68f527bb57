// SPDX-License-Identifier: Apache-2.0
// Kahneman-Tversky optimisation: learning from single answers, each with a thumb.
#pragma once

#include "losses/loss.hpp"
#include "losses/preference.hpp"
#include "losses/thumb_losses.hpp"

namespace alignsweep::losses {

// loss = mean over the step's answers of thumb_loss (thumb_losses.cpp has the equations), with z0 = max(0, mean over
// the whole step of the mismatched examples' log-ratio), without gradient. Metrics: loss, entropy, kl (z0, nats; only
// where the loss has one), rewards/{chosen,rejected}, logps/{chosen,rejected} (chosen: desirable). The formula is
// TRL's; the mismatched examples are not: TRL rotates each batch's completions by one, in the order of the file, where
// a prompt can meet its own other answer.
class ThumbLoss final : public Loss {
public:
    ThumbLoss(std::span<Thumb const> thumbs, ThumbLossRule const& rule) : thumbs_(thumbs), rule_(rule) {}

    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(thumbs_.size()); }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int /*which*/) const override {
        return thumbs_[static_cast<std::size_t>(example)].example;
    }
    [[nodiscard]] std::vector<data::Example const*> probes(std::int64_t example) const override {
        if (!has_z0()) { return {}; }
        return {&thumbs_[static_cast<std::size_t>(example)].mismatched};
    }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    model::ChunkGradients backward(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                   MetricSums& metrics) const override;
    [[nodiscard]] double z0() const { return z0_; }

private:
    [[nodiscard]] bool has_z0() const { return rule_.row->has_z0; }

    std::span<Thumb const> thumbs_;
    ThumbLossRule rule_;
    double z0_ = 0.0, count_ = 1.0;
};

}  // namespace alignsweep::losses
