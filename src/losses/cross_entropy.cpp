// SPDX-License-Identifier: Apache-2.0
#include "losses/cross_entropy.hpp"

#include <algorithm>

namespace alignsweep::losses {

void CrossEntropy::prepare(std::span<std::int64_t const> examples, std::span<double const> /*probe_logps*/) {
    std::int64_t tokens = 0;
    for (std::int64_t const example : examples) { tokens += target_count(sequence(example, 0), kind_); }
    tokens_ = static_cast<double>(std::max<std::int64_t>(1, tokens));
}

model::ChunkGradients CrossEntropy::backward(std::span<SequenceOutputs const> /*sequences*/,
                                             model::ChunkOutputs const& outputs, MetricSums& metrics) const {
    double sum = 0.0;
    for (double const logprob : outputs.logprob) { sum -= logprob; }
    metrics.add("loss", sum, static_cast<double>(outputs.logprob.size()));
    add_entropy(outputs, metrics);
    return {std::vector<double>(outputs.logprob.size(), -1.0 / tokens_), {}, {}};
}

}  // namespace alignsweep::losses
