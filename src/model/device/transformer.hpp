// SPDX-License-Identifier: Apache-2.0
// The decoder: forward and backward by hand, in mirrored order. Llama: Touvron et al., arXiv:2302.13971, section 2.2;
// grouped queries: Ainslie et al., arXiv:2305.13245.
#pragma once

#include "kernels/decoding.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/rope.hpp"
#include "model/device/chunk.hpp"
#include "model/device/parameters.hpp"
#include "model/device/workspace.hpp"

#include <vector>

namespace alignsweep::model::device {

// Keys and values of a chunk's sequences, one layer an entry.
template <class ExecSpace, class Scalar>
using Cache = std::vector<kernels::LayerCache<ExecSpace, Scalar>>;

// Runs chunks through a model of one shape. It holds the activations of the last forward pass and no parameters, so
// policy, reference and a gradient check can share one. Everything is launched on the instance given; results on the
// host are waited for, results on the device are not.
template <class ExecSpace, class Scalar>
class Transformer {
public:
    using Matrix = kernels::Matrix<ExecSpace, Scalar>;
    using Vector = kernels::Vector<ExecSpace, Scalar>;
    using Indices = kernels::Indices<ExecSpace>;
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

    // For generation: runs prompts, row n in slot slots[n] of the cache, and returns the logits [targets, vocabulary]
    // of the target rows.
    Matrix prefill(Weights const& weights, ChunkInput const& input, std::span<std::int32_t const> slots,
                   Cache<ExecSpace, Scalar> const& cache);
    // One new token a row, at its slot and position of the cache: the logits [rows, vocabulary] of the next.
    Matrix decode(Weights const& weights, kernels::DecodeRows<ExecSpace> const& rows,
                  Cache<ExecSpace, Scalar> const& cache);

    [[nodiscard]] ExecSpace const& space() const { return space_; }
    [[nodiscard]] Shape const& shape() const { return shape_; }

private:
    // What a layer's backward pass reads: [rows, width] but qkv [rows, (heads + 2 kv_heads) D], log_normaliser
    // [rows, heads], gate_up [rows, 2 hidden], activated [rows, hidden], and the scales [rows].
    struct LayerState {
        Matrix input, normed_input, qkv, attended, log_normaliser, middle, normed_middle, gate_up, activated;
        Vector input_scale, middle_scale;
    };
    // Numbers of a chunk's outputs, or of their derivatives, in one buffer: [targets], [targets], [values].
    struct HeadNumbers {
        Vector all, logprob, entropy, value;
    };
    struct State {
        DeviceChunk<ExecSpace> chunk{};
        std::vector<LayerState> layers{};
        Matrix last{}, normed{}, target_hidden{}, logits{}, value_hidden{};
        Vector last_scale{}, log_normaliser{};
        HeadNumbers outputs{};
        double temperature = 1.0;
        bool kept = false;
    };

    // Launches a kernel on the instance, unless the workspace only counts.
    template <class... Formal, class... Actual>
    void launch(void (*kernel)(ExecSpace const&, Formal...), Actual const&... actual) {
        if (!workspace_.counting()) { kernel(space_, actual...); }
    }
    // c = a w^T + beta c, c = a w, and dw += da^T x: forward, backward by the input, backward by the weights.
    void times_transposed(Matrix const& a, Matrix const& w, double beta, Matrix const& c) {
        launch(kernels::gemm<ExecSpace, Scalar>, kernels::Op::none, kernels::Op::transpose, 1.0, a, w, beta, c);
    }
    void times(Matrix const& a, Matrix const& w, Matrix const& c) {
        launch(kernels::gemm<ExecSpace, Scalar>, kernels::Op::none, kernels::Op::none, 1.0, a, w, 0.0, c);
    }
    void add_outer(Matrix const& da, Matrix const& x, Matrix const& dw) {
        launch(kernels::gemm<ExecSpace, Scalar>, kernels::Op::transpose, kernels::Op::none, 1.0, da, x, 1.0, dw);
    }

    // The paths of a layer: training keeps what it computed, scoring (which also fills a cache) and decoding work in
    // place. Each returns the layer's output, [rows, width].
    Matrix training_layer(Weights const& weights, int index, Matrix const& x);
    Matrix scoring_layer(Weights const& weights, int index, Matrix const& x, Cache<ExecSpace, Scalar> const* cache);
    Matrix decoding_layer(Weights const& weights, int index, Matrix const& x,
                          kernels::DecodeRows<ExecSpace> const& rows, Cache<ExecSpace, Scalar> const& cache);
    // Their pieces, in order: the norm and the rotated queries, keys and values; attention over packed sequences; from
    // the attended values to the MLP's activations, adding to `middle`; the MLP's product, adding to `output`.
    Matrix copy_of(Matrix const& x);
    LayerState open_layer(Weights const& weights, int index, Indices const& positions, Matrix const& x);
    void attend(LayerState& layer);
    void expand(Weights const& weights, int index, LayerState& layer);
    void contract(Weights const& weights, int index, LayerState const& layer, Matrix const& output);

    // Embeds tokens, runs the layers, and normalises.
    template <class Layer>
    Matrix backbone(Weights const& weights, Indices const& tokens, Layer const& layer);
    // out = hidden . LM head^T, [rows, vocabulary].
    Matrix lm_logits(Weights const& weights, Matrix const& hidden);
    Matrix gathered(Matrix const& table, Indices const& index);
    HeadNumbers head_numbers();

    void head_forward(Weights const& weights);
    void head_backward(Weights const& weights, HeadNumbers const& derivatives, bool of_targets, bool of_values,
                       Vector const& gradient, Matrix const& dnormed);
    void layer_backward(Weights const& weights, int index, Vector const& gradient, Matrix const& dx);
    void backward_pass(Weights const& weights, HeadNumbers const& derivatives, bool of_targets, bool of_values,
                       Vector const& gradient);

    Shape shape_;
    ExecSpace space_;
    kernels::RopeTable<ExecSpace, Scalar> rope_;
    ChunkUploader<ExecSpace> uploader_;
    Staging<ExecSpace, Scalar> staging_;
    Workspace<ExecSpace, Scalar> workspace_;
    State state_{};
};

}  // namespace alignsweep::model::device
