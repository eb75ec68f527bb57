// SPDX-License-Identifier: Apache-2.0
#include "model/transformer.hpp"

#include "model/device/engine.hpp"
#include "model/device/generate.hpp"

namespace alignsweep::model {

namespace {

std::unique_ptr<Transformer::Device> make_device(Shape const& shape, Precision precision) {
    using Device = Transformer::Device;
    if (precision == Precision::float32) {
        return std::make_unique<Device>(Device{device::Transformer<Exec, float>(Exec(), shape)});
    }
    return std::make_unique<Device>(Device{device::Transformer<Exec, double>(Exec(), shape)});
}

}  // namespace

Transformer::Transformer(Shape const& shape, Precision precision) : device_(make_device(shape, precision)) {}
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer::~Transformer() = default;

ChunkOutputs Transformer::forward(Weights const& weights, ChunkInput const& input, double temperature) {
    return run(*this, weights, [&](auto& runner, auto const& parameters) {
        return runner.forward(parameters, input, temperature, false);
    });
}

std::vector<double> Transformer::logits(Weights const& weights, ChunkInput const& input) {
    return run(*this, weights, [&](auto& runner, auto const& parameters) {
        auto const logits = runner.logits(parameters, input);
        return std::vector<double>(logits.begin(), logits.end());
    });
}

std::vector<Completion> Transformer::generate(Weights const& weights, GenerationRequest const& request) {
    return run(*this, weights,
               [&](auto& runner, auto const& parameters) { return device::generate(runner, parameters, request); });
}

}  // namespace alignsweep::model
