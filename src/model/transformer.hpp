// SPDX-License-Identifier: Apache-2.0
// Runs chunks of sequences through a model: log-probabilities, entropies, values, logits, samples.
#pragma once

#include "model/generate.hpp"
#include "model/outputs.hpp"
#include "model/weights.hpp"

#include <memory>
#include <vector>

namespace alignsweep::model {

// Runs models of one shape and precision. It holds activations and no parameters, so policy and reference can share
// one.
class Transformer {
public:
    explicit Transformer(Shape const& shape, Precision precision = Precision::float32);
    Transformer(Transformer&&) noexcept;
    ~Transformer();

    // Log-probability (at `temperature`) and entropy of every target, and the scalar head's output at every value row.
    ChunkOutputs forward(Weights const& weights, ChunkInput const& input, double temperature);

    // Logits [rows, vocabulary] of every row; for tests and dumps.
    std::vector<double> logits(Weights const& weights, ChunkInput const& input);

    // One completion a prompt, whose bits depend on no other prompt. A row that ended leaves its chunk. Throws
    // ConfigError where a prompt and its completion do not fit the context.
    std::vector<Completion> generate(Weights const& weights, GenerationRequest const& request);

    struct Device;
    [[nodiscard]] Device& device() { return *device_; }

private:
    std::unique_ptr<Device> device_;
};

}  // namespace alignsweep::model
