// SPDX-License-Identifier: Apache-2.0
#include "infer/scoring.hpp"

#include "infer/chunk.hpp"

#include <algorithm>

namespace alignsweep::infer {

using losses::ValueRows;

namespace {

// Calls visit(chunk, first) for chunks of examples.
template <class Visit>
void for_each_chunk(std::span<data::Example const* const> examples, data::TargetKind targets, ValueRows where,
                    int chunk_size, Visit&& visit) {
    auto const size = static_cast<std::size_t>(chunk_size);
    for (std::size_t first = 0; first < examples.size(); first += size) {
        visit(Chunk(examples.subspan(first, std::min(size, examples.size() - first)), targets, where));
    }
}

}  // namespace

std::vector<data::Example const*> pointers(std::span<data::Example const> examples) {
    std::vector<data::Example const*> result;
    for (data::Example const& example : examples) { result.push_back(&example); }
    return result;
}

std::vector<std::vector<double>> token_logprobs(Transformer& transformer, Weights const& weights,
                                                std::span<data::Example const* const> examples, double temperature,
                                                data::TargetKind targets, int chunk) {
    std::vector<std::vector<double>> result;
    for_each_chunk(examples, targets, ValueRows::none, chunk, [&](Chunk const& part) {
        auto const outputs = transformer.forward(weights, part.input(), temperature);
        for (std::size_t s = 0; s < static_cast<std::size_t>(part.batch.sequences()); ++s) {
            auto const view = part.outputs_of(s, 0, 0);
            result.emplace_back(outputs.logprob.begin() + static_cast<std::ptrdiff_t>(view.target_begin),
                                outputs.logprob.begin() + static_cast<std::ptrdiff_t>(view.target_end));
        }
    });
    return result;
}

std::vector<double> sequence_logprobs(Transformer& transformer, Weights const& weights,
                                      std::span<data::Example const* const> examples, int chunk) {
    std::vector<double> result;
    for (auto const& tokens :
         token_logprobs(transformer, weights, examples, 1.0, data::TargetKind::completion, chunk)) {
        double sum = 0.0;
        for (double const logprob : tokens) { sum += logprob; }
        result.push_back(sum);
    }
    return result;
}

std::vector<double> scores(Transformer& transformer, Weights const& weights,
                           std::span<data::Example const* const> examples, int chunk) {
    std::vector<double> result;
    for_each_chunk(examples, data::TargetKind::none, ValueRows::last, chunk, [&](Chunk const& part) {
        auto const outputs = transformer.forward(weights, part.input(), 1.0);
        result.insert(result.end(), outputs.value.begin(), outputs.value.end());
    });
    return result;
}

std::vector<std::vector<double>> token_values(Transformer& transformer, Weights const& weights,
                                              std::span<data::Example const* const> examples, int chunk) {
    std::vector<std::vector<double>> result;
    for_each_chunk(examples, data::TargetKind::none, ValueRows::targets, chunk, [&](Chunk const& part) {
        auto const outputs = transformer.forward(weights, part.input(), 1.0);
        for (std::size_t s = 0; s < static_cast<std::size_t>(part.batch.sequences()); ++s) {
            auto const view = part.outputs_of(s, 0, 0);
            result.emplace_back(outputs.value.begin() + static_cast<std::ptrdiff_t>(view.value_begin),
                                outputs.value.begin() + static_cast<std::ptrdiff_t>(view.value_end));
        }
    });
    return result;
}

}  // namespace alignsweep::infer
