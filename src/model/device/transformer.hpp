// SPDX-License-Identifier: Apache-2.0
// The decoder: forward and backward by hand, in mirrored order. Llama: Touvron et al., arXiv:2302.13971, section 2.2;
// grouped queries: Ainslie et al., arXiv:2305.13245.
#pragma once

#include "kernels/decoding.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/rope.hpp"
#include "model/device/chunk.hpp"
#include "model/device/trace.hpp"
#include "model/generate.hpp"

#include <unordered_map>
#include <vector>

namespace alignsweep::model::device {

// Keys and values of a chunk's sequences, one layer an entry.
template <class Scalar>
using Cache = std::vector<kernels::LayerCache<Exec, Scalar>>;

// Runs chunks through a model of one shape. It holds the activations of the last forward pass and no parameters, so
// policy, reference and a gradient check can share one. Everything is launched on the instance given; results on the
// host are waited for, results on the device are not.
template <class Scalar>
class Transformer {
public:
    using Matrix = device::Matrix<Scalar>;
    using Vector = device::Vector<Scalar>;
    using Weights = Parameters<Scalar>;

    Transformer(Exec const& space, Shape const& shape);

    // Log-probability (at `temperature`) and entropy of every target, and the scalar head's output at every value row.
    // Keeps what `backward` needs if `keep` is set.
    ChunkOutputs forward(Weights const& weights, ChunkInput const& input, double temperature, bool keep);

    // Adds the gradient of a loss, given its derivatives by the outputs of the last kept forward pass, to `gradient`
    // (a flat buffer in the weights' layout). Called once after each kept forward pass.
    void backward(Weights const& weights, ChunkGradients const& outputs, Vector const& gradient);

    // Logits [rows, vocabulary] of every row; for tests and dumps.
    std::vector<double> logits(Weights const& weights, ChunkInput const& input);

    // For generation: runs prompts, row n in slot slots[n] of the cache, and returns the logits [targets, vocabulary]
    // of the target rows.
    Matrix prefill(Weights const& weights, ChunkInput const& input, std::span<std::int32_t const> slots,
                   Cache<Scalar> const& cache);
    // One new token a row, at its slot and position of the cache: the logits [rows, vocabulary] of the next.
    Matrix decode(Weights const& weights, kernels::DecodeRows<Exec> const& rows, Cache<Scalar> const& cache);
    // From `freeze` to `thaw` these weights do not change, and are kept in the form that products read, too: a new
    // token reads each weight for a few rows only. No bit depends on it.
    void freeze(Weights const& weights);
    void thaw() { frozen_.clear(); }

    [[nodiscard]] Exec const& space() const { return space_; }
    [[nodiscard]] Shape const& shape() const { return shape_; }
    // For whoever generates: buffers of the host that last.
    [[nodiscard]] Staging<std::int32_t>& index_staging() { return index_staging_; }
    [[nodiscard]] Staging<Scalar>& staging() { return staging_; }

private:
    // What a layer's backward pass reads: [rows, width] but qkv [rows, (heads + 2 kv_heads) D], log_normaliser
    // [rows, heads], gate_up [rows, 2 hidden], activated [rows, hidden], and the scales [rows]. From `attended` on, the
    // last layer has the chunk's end rows alone.
    struct LayerState {
        Matrix input, normed_input, qkv, attended, log_normaliser, middle, normed_middle, gate_up, activated;
        Vector input_scale, middle_scale;
    };
    // Numbers of a chunk's outputs, or of their derivatives, in one buffer: [targets], [targets], [values].
    struct HeadNumbers {
        Vector all, logprob, entropy, value;
    };
    struct State {
        DeviceChunk chunk{};
        std::vector<LayerState> layers{};
        Matrix last{}, normed{}, target_hidden{}, logits{}, value_hidden{};
        Vector last_scale{}, log_normaliser{};
        HeadNumbers outputs{};
        double temperature = 1.0;
        bool kept = false;
    };
    // How rows go through the layers. Training keeps what it computed; scoring (which also fills a cache) and decoding
    // (which reads one instead of the chunk's sequences) work in place.
    struct Path {
        Indices tokens, positions, slots{};
        Cache<Scalar> const* cache = nullptr;
        bool keep = false, decode = false;
    };

    // Launches a kernel on the instance, unless the workspace only counts.
    template <class... Formal, class... Actual>
    void launch(void (*kernel)(Exec const&, Formal...), Actual const&... actual) {
        if (workspace_.counting()) { return; }
        kernel(space_, actual...);
        trace(space_, actual...);
    }
    // y = x w^T (+ y if `add`), or a new y = x w^T; backward, dw += dy^T x, and dy w is returned. `end`: the rows are
    // the chunk's end rows, whose sum has blocks of its own.
    void add_product(Matrix const& x, Matrix const& w, bool add, Matrix const& y);
    Matrix product(Matrix const& x, Matrix const& w);
    Matrix product_backward(Matrix const& dy, Matrix const& x, Matrix const& w, Matrix const& dw, bool end = false);
    Matrix normed(Matrix const& x, Vector const& weight, Vector& scale);
    Matrix gathered(Matrix const& table, Indices const& index);
    Matrix copy_of(Matrix const& x);
    Matrix zeros(std::int64_t rows, std::int64_t columns);
    HeadNumbers head_numbers();

    // Forgets the last chunk and takes in the next. `all`: every row is read.
    DeviceChunk const& begin(ChunkInput const& input, std::span<std::int32_t const> slots = {}, bool all = false);
    // Whether a layer ends with the chunk's end rows alone.
    [[nodiscard]] bool trims(int index) const { return state_.chunk.trimmed && index + 1 == shape_.depth; }
    // Embeds tokens, runs the layers, and normalises.
    Matrix backbone(Weights const& weights, Path const& path);
    Matrix layer_forward(Weights const& weights, int index, Matrix const& x, Path const& path);
    void head_forward(Weights const& weights);

    // Without derivatives of a head's outputs (empty vectors) nothing goes back through it.
    void backward_pass(Weights const& weights, HeadNumbers const& derivatives, Weights const& gradient);
    void head_backward(Weights const& weights, HeadNumbers const& derivatives, Weights const& gradient,
                       Matrix const& dnormed);
    // From the derivative by the layer's output, dend, to that by its input, in dx; they are one but where it trims.
    void layer_backward(Weights const& weights, int index, Weights const& gradient, Matrix const& dend,
                        Matrix const& dx);

    Shape shape_;
    kernels::HeadShape heads_;
    Exec space_;
    kernels::RopeTable<Exec, Scalar> rope_;
    decltype(&kernels::gemm<Exec, Scalar>) gemm_;       // portable, or the vendor's
    std::unordered_map<Scalar const*, Vector> frozen_;  // by the first weight
    ChunkUploader uploader_;
    Staging<std::int32_t> index_staging_;
    Staging<Scalar> staging_;
    Workspace<Scalar> workspace_;
    State state_{};
};

// As model::Transformer::generate: batched, with a key/value cache.
template <class Scalar>
std::vector<Completion> generate(Transformer<Scalar>& transformer, Parameters<Scalar> const& weights,
                                 GenerationRequest const& request);

}  // namespace alignsweep::model::device
