// SPDX-License-Identifier: Apache-2.0
#include "losses/thumb_loss.hpp"

#include <algorithm>

namespace alignsweep::losses {

void ThumbLoss::prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) {
    count_ = static_cast<double>(examples.size());
    if (!has_z0()) { return; }
    double sum = 0.0;
    for (std::size_t i = 0; i < examples.size(); ++i) {
        sum += probe_logps[i] - thumbs_[static_cast<std::size_t>(examples[i])].mismatched_reference;
    }
    z0_ = examples.empty() ? 0.0 : std::max(0.0, sum / count_);
}

model::ChunkGradients ThumbLoss::backward(std::span<SequenceOutputs const> sequences,
                                          model::ChunkOutputs const& outputs, MetricSums& metrics) const {
    model::ChunkGradients gradients;
    gradients.logprob.resize(outputs.logprob.size());
    for (SequenceOutputs const& sequence : sequences) {
        Thumb const& thumb = thumbs_[static_cast<std::size_t>(sequence.example)];
        double const logp = summed_logprob(sequence, outputs);
        ThumbLossValue const loss = thumb_loss(rule_, thumb.desirable, logp, thumb.reference, z0_);
        for (std::size_t t = sequence.target_begin; t < sequence.target_end; ++t) {
            gradients.logprob[t] = loss.slope / count_;
        }
        std::string const name = thumb.desirable ? "chosen" : "rejected";
        metrics.add("loss", loss.loss, 1.0);
        metrics.add("rewards/" + name, loss.reward, 1.0);
        metrics.add("logps/" + name, logp, 1.0);
        if (has_z0()) { metrics.add("kl", z0_, 1.0); }
    }
    add_entropy(outputs, metrics);
    return gradients;
}

}  // namespace alignsweep::losses
