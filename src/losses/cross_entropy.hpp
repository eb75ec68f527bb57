// SPDX-License-Identifier: Apache-2.0
// Cross-entropy: pre-training on windows of text, and supervised fine-tuning on completions.
#pragma once

#include "losses/loss.hpp"

namespace alignsweep::losses {

// loss = -(1 / N) sum over the N targets of the whole step of log pi(token). The mean is over the tokens of the step,
// not a mean of the chunks' means. Metrics: loss, entropy.
class CrossEntropy : public Loss {
public:
    // `examples` must outlive the loss.
    CrossEntropy(std::span<data::Example const> examples, data::TargetKind kind) : examples_(examples), kind_(kind) {}

    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(examples_.size()); }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int /*which*/) const override {
        return examples_[static_cast<std::size_t>(example)];
    }
    [[nodiscard]] data::TargetKind targets() const override { return kind_; }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    model::ChunkGradients backward(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                   MetricSums& metrics) const override;

private:
    std::span<data::Example const> examples_;
    data::TargetKind kind_;
    double tokens_ = 1.0;
};

}  // namespace alignsweep::losses
