// SPDX-License-Identifier: Apache-2.0
#include "model/transformer.hpp"

#include "model/device/engine.hpp"

namespace alignsweep::model {

Transformer::Transformer(Shape const& shape, Precision precision)
    : device_(std::make_unique<Device>(Device{make_either<device::Transformer>(precision, Exec(), shape)})) {}
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer::~Transformer() = default;

ChunkOutputs Transformer::forward(Weights const& weights, ChunkInput const& input, double temperature) {
    return run(*this, weights, [&](auto& runner, auto const& parameters) {
        return runner.forward(parameters, input, temperature, false);
    });
}

std::vector<double> Transformer::logits(Weights const& weights, ChunkInput const& input) {
    return run(*this, weights, [&](auto& runner, auto const& parameters) { return runner.logits(parameters, input); });
}

std::vector<Completion> Transformer::generate(Weights const& weights, GenerationRequest const& request) {
    return run(*this, weights,
               [&](auto& runner, auto const& parameters) { return device::generate(runner, parameters, request); });
}

}  // namespace alignsweep::model
