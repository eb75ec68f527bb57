// SPDX-License-Identifier: Apache-2.0
#include "methods/kto.hpp"

#include <algorithm>

namespace alignsweep::methods {

void Kto::prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) {
    count_ = static_cast<double>(examples.size());
    double sum = 0.0;
    for (std::size_t i = 0; i < examples.size(); ++i) {
        sum += probe_logps[i] - thumbs_[static_cast<std::size_t>(examples[i])].mismatched_reference;
    }
    z0_ = examples.empty() ? 0.0 : std::max(0.0, sum / count_);
}

model::ChunkGradients Kto::loss(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                MetricSums& metrics) const {
    model::ChunkGradients gradients;
    gradients.logprob.resize(outputs.logprob.size());
    for (SequenceOutputs const& sequence : sequences) {
        Thumb const& thumb = thumbs_[static_cast<std::size_t>(sequence.example)];
        double const logp = summed_logprob(sequence, outputs);
        double const ratio = logp - thumb.reference;
        double const sign = thumb.desirable ? 1.0 : -1.0;
        double const weight = thumb.desirable ? weights_.desirable : weights_.undesirable;
        double const value = sigmoid(sign * weights_.beta * (ratio - z0_));
        double const slope = -sign * weight * weights_.beta * value * (1.0 - value) / count_;
        for (std::size_t t = sequence.target_begin; t < sequence.target_end; ++t) { gradients.logprob[t] = slope; }
        std::string const name = thumb.desirable ? "chosen" : "rejected";
        metrics.add("loss", weight * (1.0 - value), 1.0);
        metrics.add("rewards/" + name, weights_.beta * ratio, 1.0);
        metrics.add("logps/" + name, logp, 1.0);
        metrics.add("kl", z0_, 1.0);
    }
    add_entropy(outputs, metrics);
    return gradients;
}

}  // namespace alignsweep::methods
