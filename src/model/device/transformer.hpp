// SPDX-License-Identifier: Apache-2.0
// The decoder: forward and backward by hand, in mirrored order. Llama: Touvron et al., arXiv:2302.13971, section 2.2;
// grouped queries: Ainslie et al., arXiv:2305.13245.
#pragma once

#include "kernels/rope.hpp"
#include "model/device/chunk.hpp"
#include "model/device/parameters.hpp"
#include "model/device/workspace.hpp"

#include <vector>

namespace alignsweep::model::device {

// Runs chunks through a model of one shape. It holds the activations of the last forward pass and no parameters, so
// policy, reference and a gradient check can share one.
template <class ExecSpace, class Scalar>
class Transformer {
public:
    using Matrix = kernels::Matrix<ExecSpace, Scalar>;
    using Vector = kernels::Vector<ExecSpace, Scalar>;
    using Weights = Parameters<ExecSpace, Scalar>;

    Transformer(ExecSpace const& space, Shape const& shape);

    // Log-probability (at `temperature`) and entropy of every target, and the scalar head's output at every value row.
    // Keeps what `backward` needs if `keep` is set.
    ChunkOutputs forward(Weights const& weights, ChunkInput const& input, double temperature, bool keep);

    // Adds the gradient of a loss, given its derivatives by the outputs of the last kept forward pass, to `gradient`
    // (a flat buffer in the weights' layout). Called once after each kept forward pass.
    void backward(Weights const& weights, ChunkGradients const& outputs, Vector const& gradient);

    // Logits [rows, vocabulary] of every row; for tests and dumps.
    std::vector<Scalar> logits(Weights const& weights, ChunkInput const& input);

    // For generation: normalised hidden states [rows, width] of a chunk, with keys and values stored in a cache
    // (one layer an entry) at (slot of the row, its position).
    struct CacheTarget {
        kernels::Indices<ExecSpace> slot;
        std::vector<kernels::LayerCache<ExecSpace, Scalar>>* cache = nullptr;
    };
    Matrix prefill(Weights const& weights, DeviceChunk<ExecSpace> const& chunk, CacheTarget const& target);
    // One new token a row at (slot, position) of the cache: its normalised hidden state [rows, width].
    Matrix decode(Weights const& weights, kernels::Indices<ExecSpace> tokens, kernels::Indices<ExecSpace> positions,
                  CacheTarget const& target);
    // out = hidden . LM head^T, a matrix [rows, vocabulary] of the workspace.
    Matrix lm_logits(Weights const& weights, Matrix const& hidden);

    [[nodiscard]] ExecSpace const& space() const { return space_; }
    [[nodiscard]] Workspace<ExecSpace, Scalar>& workspace() { return workspace_; }
    [[nodiscard]] Shape const& shape() const { return shape_; }

private:
    // What a layer's backward pass reads.
    struct LayerState {
        Matrix input, normed_input, qkv, attended, log_normaliser, middle, normed_middle, gate_up, activated;
        Vector input_scale, middle_scale;
    };
    struct State {
        DeviceChunk<ExecSpace> chunk;
        std::vector<LayerState> layers;
        Matrix last, normed, target_hidden, logits, value_hidden;
        Vector last_scale, entropy, log_normaliser;
        double temperature = 1.0;
    };

    [[nodiscard]] std::int64_t elements_needed(std::int64_t rows, std::int64_t targets, std::int64_t values,
                                               bool keep) const;
    Matrix layer_forward(Weights const& weights, int index, DeviceChunk<ExecSpace> const& chunk, Matrix x, bool keep,
                         CacheTarget const* target, bool decoding);
    Matrix backbone(Weights const& weights, DeviceChunk<ExecSpace> const& chunk, bool keep, CacheTarget const* target,
                    bool decoding);
    void head_forward(Weights const& weights, ChunkOutputs& outputs);
    void head_backward(Weights const& weights, ChunkGradients const& outputs, Vector const& gradient, Matrix dnormed);
    void layer_backward(Weights const& weights, int index, Vector const& gradient, Matrix dx);

    Shape shape_;
    ExecSpace space_;
    kernels::RopeTable<ExecSpace, Scalar> rope_;
    Workspace<ExecSpace, Scalar> workspace_;
    State state_;
};

}  // namespace alignsweep::model::device
