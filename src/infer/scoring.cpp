// SPDX-License-Identifier: Apache-2.0
#include "infer/scoring.hpp"

#include "infer/chunk.hpp"

#include <algorithm>

namespace alignsweep::infer {

using data::TargetKind;
using losses::ValueRows;

namespace {

using Examples = std::span<data::Example const* const>;

// Calls visit(chunk, its outputs) for chunks of examples.
template <class Visit>
void for_each_chunk(Transformer& transformer, Weights const& weights, Examples examples, double temperature,
                    TargetKind targets, ValueRows where, int chunk_size, Visit const& visit) {
    auto const size = static_cast<std::size_t>(chunk_size);
    for (std::size_t first = 0; first < examples.size(); first += size) {
        Chunk const chunk(examples.subspan(first, std::min(size, examples.size() - first)), targets, where);
        visit(chunk, transformer.forward(weights, chunk.input(), temperature));
    }
}

// Each sequence's own among the outputs of a chunk, which it has from offset to offset.
void append_parts(std::vector<double> const& outputs, std::vector<std::int32_t> const& offsets,
                  std::vector<std::vector<double>>& parts) {
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
        parts.emplace_back(outputs.begin() + offsets[s], outputs.begin() + offsets[s + 1]);
    }
}

}  // namespace

std::vector<data::Example const*> pointers(std::span<data::Example const> examples) {
    std::vector<data::Example const*> result;
    for (data::Example const& example : examples) { result.push_back(&example); }
    return result;
}

std::vector<std::vector<double>> token_logprobs(Transformer& transformer, Weights const& weights, Examples examples,
                                                double temperature, TargetKind targets, int chunk) {
    std::vector<std::vector<double>> result;
    for_each_chunk(transformer, weights, examples, temperature, targets, ValueRows::none, chunk,
                   [&](Chunk const& part, model::ChunkOutputs const& outputs) {
                       append_parts(outputs.logprob, part.batch.target_offsets, result);
                   });
    return result;
}

std::vector<double> sequence_logprobs(Transformer& transformer, Weights const& weights, Examples examples, int chunk) {
    std::vector<double> result;
    for (auto const& tokens : token_logprobs(transformer, weights, examples, 1.0, TargetKind::completion, chunk)) {
        double sum = 0.0;
        for (double const logprob : tokens) { sum += logprob; }
        result.push_back(sum);
    }
    return result;
}

std::vector<double> scores(Transformer& transformer, Weights const& weights, Examples examples, int chunk) {
    std::vector<double> result;
    for_each_chunk(transformer, weights, examples, 1.0, TargetKind::none, ValueRows::last, chunk,
                   [&](Chunk const&, model::ChunkOutputs const& outputs) {
                       result.insert(result.end(), outputs.value.begin(), outputs.value.end());
                   });
    return result;
}

std::vector<std::vector<double>> token_values(Transformer& transformer, Weights const& weights, Examples examples,
                                              int chunk) {
    std::vector<std::vector<double>> result;
    for_each_chunk(transformer, weights, examples, 1.0, TargetKind::none, ValueRows::targets, chunk,
                   [&](Chunk const& part, model::ChunkOutputs const& outputs) {
                       append_parts(outputs.value, part.value_offsets, result);
                   });
    return result;
}

}  // namespace alignsweep::infer
