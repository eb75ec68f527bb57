// SPDX-License-Identifier: Apache-2.0
#include "losses/loss.hpp"

#include "core/math.hpp"

#include <algorithm>
#include <cmath>

namespace alignsweep::losses {

double summed_logprob(SequenceOutputs const& sequence, ChunkOutputs const& outputs) {
    double sum = 0.0;
    for (std::size_t t = sequence.target_begin; t < sequence.target_end; ++t) { sum += outputs.logprob[t]; }
    return sum;
}

double log_sigmoid(double x) {
    return x < 0.0 ? x - core::math::log1p(core::math::exp(x)) : -core::math::log1p(core::math::exp(-x));
}

double sigmoid(double x) { return core::math::sigmoid(x); }

void add_entropy(ChunkOutputs const& outputs, MetricSums& metrics) {
    double sum = 0.0;
    for (double const entropy : outputs.entropy) { sum += entropy; }
    metrics.add("entropy", sum, static_cast<double>(outputs.entropy.size()));
}

std::int64_t target_count(data::Example const& example, data::TargetKind kind) {
    auto const prompt = static_cast<std::int64_t>(example.prompt.size());
    auto const completion = static_cast<std::int64_t>(example.completion.size());
    // The first token of a sequence is predicted by nothing.
    if (kind == data::TargetKind::full || (prompt == 0 && kind == data::TargetKind::completion)) {
        return std::max<std::int64_t>(0, prompt + completion - 1);
    }
    return kind == data::TargetKind::none ? 0 : completion;
}

void CrossEntropy::prepare(std::span<std::int64_t const> examples, std::span<double const> /*probe_logps*/) {
    std::int64_t tokens = 0;
    for (std::int64_t const example : examples) { tokens += target_count(sequence(example, 0), kind_); }
    tokens_ = static_cast<double>(std::max<std::int64_t>(1, tokens));
}

ChunkGradients CrossEntropy::backward(Sequences /*sequences*/, ChunkOutputs const& outputs, MetricSums& metrics) const {
    double sum = 0.0;
    for (double const logprob : outputs.logprob) { sum -= logprob; }
    metrics.add("loss", sum, static_cast<double>(outputs.logprob.size()));
    add_entropy(outputs, metrics);
    return {std::vector<double>(outputs.logprob.size(), -1.0 / tokens_), {}, {}};
}

}  // namespace alignsweep::losses
