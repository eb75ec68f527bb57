// SPDX-License-Identifier: Apache-2.0
#include "model/device/transformer.hpp"

#include "core/error.hpp"
#include "kernels/logprob.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/swiglu.hpp"
#include "model/runtime.hpp"

#include <algorithm>

namespace alignsweep::model::device {

using kernels::Op;

template <class Scalar>
Transformer<Scalar>::Transformer(Exec const& space, Shape const& shape)
    : shape_(shape),
      heads_{shape.heads, shape.kv_heads, shape.head_dim()},
      space_(space),
      rope_(kernels::make_rope_table<Exec, Scalar>(space, shape.context, shape.head_dim(), shape.rope_theta)),
      gemm_(arithmetic() == core::Arithmetic::portable ? kernels::gemm<Exec, Scalar>
                                                       : kernels::vendor_gemm<Exec, Scalar>),
      uploader_(space, kernels::query_lanes<Exec, Scalar>()),
      index_staging_(space),
      staging_(space),
      workspace_(space) {
    core::check(shape.head_dim() <= kernels::max_head_dim, "head dimension above ", kernels::max_head_dim);
}

// --- pieces

template <class Scalar>
void Transformer<Scalar>::add_product(Matrix const& x, Matrix const& w, bool add, Matrix const& y) {
    auto const frozen = frozen_.find(w.data());
    if (frozen == frozen_.end()) {
        launch(gemm_, Op::none, Op::transpose, x, w, add, y);
    } else {
        launch(kernels::gemm_packed<Exec, Scalar>, x, w, frozen->second, add, y);
    }
}

template <class Scalar>
auto Transformer<Scalar>::product(Matrix const& x, Matrix const& w) -> Matrix {
    Matrix const y = workspace_.matrix(x.extent_int(0), w.extent_int(0));
    add_product(x, w, false, y);
    return y;
}

template <class Scalar>
auto Transformer<Scalar>::product_backward(Matrix const& dy, Matrix const& x, Matrix const& w, Matrix const& dw,
                                           bool end) -> Matrix {
    Matrix const dx = workspace_.matrix(dy.extent_int(0), w.extent_int(1));
    launch(gemm_, Op::none, Op::none, dy, w, false, dx);
    if (!end) {
        launch(gemm_, Op::transpose, Op::none, dy, x, true, dw);
        return dx;
    }
    if (workspace_.counting()) { return dx; }
    auto const& starts = state_.chunk.product_blocks;
    for (std::size_t block = 0; block + 1 < starts.size(); ++block) {
        int const first = starts[block], count = starts[block + 1] - first;
        auto const part = [&](Matrix const& of) { return Matrix(&of(first, 0), count, of.extent(1)); };
        if (count > 0) { launch(gemm_, Op::transpose, Op::none, part(dy), part(x), true, dw); }
    }
    return dx;
}

template <class Scalar>
auto Transformer<Scalar>::normed(Matrix const& x, Vector const& weight, Vector& scale) -> Matrix {
    Matrix const out = workspace_.matrix(x.extent_int(0), shape_.width);
    scale = workspace_.vector(x.extent_int(0));
    launch(kernels::rmsnorm_forward<Exec, Scalar>, x, weight, shape_.norm_eps, out, scale);
    return out;
}

template <class Scalar>
auto Transformer<Scalar>::gathered(Matrix const& table, Indices const& index) -> Matrix {
    Matrix const out = workspace_.matrix(index.extent_int(0), shape_.width);
    launch(kernels::gather_rows<Exec, Scalar>, table, index, out);
    return out;
}

template <class Scalar>
auto Transformer<Scalar>::copy_of(Matrix const& x) -> Matrix {
    Matrix const copy = workspace_.matrix(x.extent_int(0), shape_.width);
    if (!workspace_.counting()) { Kokkos::deep_copy(space_, copy, x); }
    return copy;
}

template <class Scalar>
auto Transformer<Scalar>::zeros(std::int64_t rows, std::int64_t columns) -> Matrix {
    Matrix const zero = workspace_.matrix(rows, columns);
    if (!workspace_.counting()) { Kokkos::deep_copy(space_, zero, Scalar(0)); }
    return zero;
}

template <class Scalar>
auto Transformer<Scalar>::head_numbers() -> HeadNumbers {
    std::int64_t const targets = state_.chunk.targets, values = state_.chunk.values;
    std::int64_t const stride = workspace_.rounded(targets);
    Vector const all = workspace_.vector(2 * stride + values);
    // No offset from nowhere: the workspace may only be counting.
    auto const part = [&](std::int64_t first, std::int64_t size) {
        return Vector(all.data() == nullptr ? nullptr : all.data() + first, size);
    };
    return {all, part(0, targets), part(stride, targets), part(2 * stride, values)};
}

// --- forward

template <class Scalar>
void Transformer<Scalar>::freeze(Weights const& weights) {
    thaw();
    if (gemm_ != kernels::gemm<Exec, Scalar>) { return; }
    auto const add = [&](Matrix const& w) {
        Vector const packed = kernels::pack_transposed<Exec, Scalar>(space_, w);
        if (packed.size() > 0) { frozen_.emplace(w.data(), packed); }
    };
    for (int i = 0; i < shape_.depth; ++i) {
        auto const w = weights.layer(i);
        add(w.qkv);
        add(w.attention_out);
        add(w.gate_up);
        add(w.down);
    }
    add(weights.matrix(weights.layout.lm_head()));
}

template <class Scalar>
DeviceChunk const& Transformer<Scalar>::begin(ChunkInput const& input, std::span<std::int32_t const> slots, bool all) {
    state_ = State{};
    // The blocks of the vendor's sums are not known.
    state_.chunk = uploader_.upload(input, slots, all || gemm_ != kernels::gemm<Exec, Scalar>);
    return state_.chunk;
}

template <class Scalar>
auto Transformer<Scalar>::layer_forward(Weights const& weights, int index, Matrix const& x, Path const& path)
    -> Matrix {
    auto const w = weights.layer(index);
    auto const& chunk = state_.chunk;
    bool const trimmed = !path.decode && trims(index);
    std::int64_t const rows = trimmed ? chunk.end_rows.extent_int(0) : x.extent_int(0), mark = workspace_.mark();
    LayerState layer;
    layer.input = x;
    layer.normed_input = normed(x, w.attention_norm, layer.input_scale);
    layer.qkv = product(layer.normed_input, w.qkv);
    launch(kernels::rope<Exec, Scalar>, rope_, path.positions, heads_.heads + heads_.kv_heads, false, layer.qkv);
    layer.attended = workspace_.matrix(rows, shape_.width);
    auto const* const cache = path.cache == nullptr ? nullptr : &(*path.cache)[static_cast<std::size_t>(index)];
    if (cache != nullptr) {
        launch(kernels::store_in_cache<Exec, Scalar>, heads_, path.slots, path.positions, layer.qkv, *cache);
    }
    if (path.decode) {
        launch(kernels::attention_decode<Exec, Scalar>, heads_, path.slots, path.positions, layer.qkv, *cache,
               layer.attended);
    } else {
        layer.log_normaliser = workspace_.matrix(rows, shape_.heads);
        launch(kernels::attention_forward<Exec, Scalar>, heads_, trimmed ? chunk.end_groups : chunk.groups, layer.qkv,
               layer.attended, layer.log_normaliser);
    }
    layer.middle = trimmed ? gathered(x, chunk.end_rows) : path.keep ? copy_of(x) : x;
    add_product(layer.attended, w.attention_out, true, layer.middle);

    layer.normed_middle = normed(layer.middle, w.mlp_norm, layer.middle_scale);
    layer.gate_up = product(layer.normed_middle, w.gate_up);
    layer.activated = workspace_.matrix(rows, shape_.hidden);
    launch(kernels::swiglu_forward<Exec, Scalar>, layer.gate_up, layer.activated);
    Matrix const output = path.keep ? copy_of(layer.middle) : layer.middle;
    add_product(layer.activated, w.down, true, output);
    if (path.keep) {
        state_.layers.push_back(layer);
    } else if (!trimmed) {  // or else the output is no longer in x
        workspace_.release(mark);
    }
    return output;
}

template <class Scalar>
auto Transformer<Scalar>::backbone(Weights const& weights, Path const& path) -> Matrix {
    state_.layers.clear();
    state_.last = gathered(weights.matrix(weights.layout.embedding()), path.tokens);
    for (int i = 0; i < shape_.depth; ++i) { state_.last = layer_forward(weights, i, state_.last, path); }
    return normed(state_.last, weights.vector(weights.layout.final_norm()), state_.last_scale);
}

// The language-model head (log-probabilities and entropies of the target rows) and the scalar head (rewards, values).
template <class Scalar>
void Transformer<Scalar>::head_forward(Weights const& weights) {
    auto const& chunk = state_.chunk;
    state_.outputs = head_numbers();
    if (chunk.targets > 0) {
        state_.target_hidden = gathered(state_.normed, chunk.target_rows);
        state_.logits = product(state_.target_hidden, weights.matrix(weights.layout.lm_head()));
        state_.log_normaliser = workspace_.vector(chunk.targets);
        launch(kernels::logprob_forward<Exec, Scalar>, state_.logits, chunk.target_tokens, state_.temperature,
               state_.outputs.logprob, state_.outputs.entropy, state_.log_normaliser);
    }
    if (chunk.values > 0) {
        core::check(shape_.scalar_head, "a model without scalar head was asked for values");
        state_.value_hidden = gathered(state_.normed, chunk.value_rows);
        add_product(state_.value_hidden, weights.matrix(weights.layout.score()), false,
                    Matrix(state_.outputs.value.data(), chunk.values, 1));
    }
}

template <class Scalar>
ChunkOutputs Transformer<Scalar>::forward(Weights const& weights, ChunkInput const& input, double temperature,
                                          bool keep) {
    DeviceChunk const& chunk = begin(input);
    state_.temperature = temperature;
    workspace_.run([&] {
        state_.normed = backbone(weights, {.tokens = chunk.tokens, .positions = chunk.positions, .keep = keep});
        head_forward(weights);
        // Room for the backward pass, too. The weights stand for the gradient, which has their layout.
        if (keep && workspace_.counting()) { backward_pass(weights, head_numbers(), weights); }
    });
    state_.kept = keep;
    HeadNumbers const& outputs = state_.outputs;
    Scalar const* const numbers = staging_.download(outputs.all);
    auto const take = [&](Vector const& part) {
        Scalar const* const from = numbers + (part.data() - outputs.all.data());
        return std::vector<double>(from, from + part.extent(0));
    };
    return {take(outputs.logprob), take(outputs.entropy), take(outputs.value)};
}

template <class Scalar>
std::vector<double> Transformer<Scalar>::logits(Weights const& weights, ChunkInput const& input) {
    DeviceChunk const& chunk = begin(input, {}, true);
    Matrix const all = workspace_.run([&] {
        return product(backbone(weights, {.tokens = chunk.tokens, .positions = chunk.positions}),
                       weights.matrix(weights.layout.lm_head()));
    });
    return to_host<double>(space_, Vector(all.data(), all.size()));
}

template <class Scalar>
auto Transformer<Scalar>::prefill(Weights const& weights, ChunkInput const& input, std::span<std::int32_t const> slots,
                                  Cache<Scalar> const& cache) -> Matrix {
    DeviceChunk const& chunk = begin(input, slots);
    return workspace_.run([&] {
        Matrix const all = backbone(weights, {chunk.tokens, chunk.positions, chunk.slots, &cache});
        return product(gathered(all, chunk.target_rows), weights.matrix(weights.layout.lm_head()));
    });
}

template <class Scalar>
auto Transformer<Scalar>::decode(Weights const& weights, kernels::DecodeRows<Exec> const& rows,
                                 Cache<Scalar> const& cache) -> Matrix {
    state_.kept = false;
    return workspace_.run([&] {
        Path const path{rows.token, rows.position, rows.slot, &cache, false, true};
        return product(backbone(weights, path), weights.matrix(weights.layout.lm_head()));
    });
}

// --- backward: mirrors forward from its end to its beginning

template <class Scalar>
void Transformer<Scalar>::head_backward(Weights const& weights, HeadNumbers const& derivatives, Weights const& gradient,
                                        Matrix const& dnormed) {
    auto const& chunk = state_.chunk;
    auto const through = [&](Place const& head, Matrix const& doutput, Matrix const& hidden, Indices const& rows) {
        Matrix const dhidden = product_backward(doutput, hidden, weights.matrix(head), gradient.matrix(head));
        launch(kernels::scatter_add_rows<Exec, Scalar>, dhidden, rows, dnormed);
    };
    if (derivatives.logprob.extent(0) > 0) {
        launch(kernels::logprob_backward<Exec, Scalar>, chunk.target_tokens, state_.temperature, state_.outputs.entropy,
               state_.log_normaliser, derivatives.logprob, derivatives.entropy, state_.logits);
        through(weights.layout.lm_head(), state_.logits, state_.target_hidden, chunk.target_rows);
    }
    if (derivatives.value.extent(0) > 0) {
        Matrix const column(derivatives.value.data(), chunk.values, 1);
        through(weights.layout.score(), column, state_.value_hidden, chunk.value_rows);
    }
}

template <class Scalar>
void Transformer<Scalar>::layer_backward(Weights const& weights, int index, Weights const& gradient, Matrix const& dend,
                                         Matrix const& dx) {
    LayerState const& layer = state_.layers[static_cast<std::size_t>(index)];
    auto const w = weights.layer(index), dw = gradient.layer(index);
    auto const& chunk = state_.chunk;
    std::int64_t const mark = workspace_.mark();
    bool const trimmed = trims(index);

    Matrix const dactivated = product_backward(dend, layer.activated, w.down, dw.down, trimmed);
    Matrix const dgate_up = workspace_.matrix(dend.extent_int(0), 2 * shape_.hidden);
    launch(kernels::swiglu_backward<Exec, Scalar>, dactivated, layer.gate_up, dgate_up);
    Matrix const dnormed_middle = product_backward(dgate_up, layer.normed_middle, w.gate_up, dw.gate_up, trimmed);
    launch(kernels::rmsnorm_backward<Exec, Scalar>, dnormed_middle, layer.middle, w.mlp_norm, layer.middle_scale, dend,
           trimmed ? chunk.sum_blocks : Indices(), dw.mlp_norm);
    workspace_.release(mark);

    Matrix const dattended = product_backward(dend, layer.attended, w.attention_out, dw.attention_out, trimmed);
    Matrix const dqkv = trimmed ? zeros(chunk.rows, heads_.qkv_width())  // for rows that are no queries
                                : workspace_.matrix(chunk.rows, heads_.qkv_width());
    if (trimmed) { launch(kernels::scatter_add_rows<Exec, Scalar>, dend, chunk.end_rows, dx); }
    launch(kernels::attention_backward<Exec, Scalar>, heads_, trimmed ? chunk.end_groups : chunk.groups,
           trimmed ? chunk.end_keys : chunk.groups, layer.qkv, layer.attended, dattended, layer.log_normaliser, dqkv);
    launch(kernels::rope<Exec, Scalar>, rope_, chunk.positions, heads_.heads + heads_.kv_heads, true, dqkv);
    Matrix const dnormed_input = product_backward(dqkv, layer.normed_input, w.qkv, dw.qkv);
    launch(kernels::rmsnorm_backward<Exec, Scalar>, dnormed_input, layer.input, w.attention_norm, layer.input_scale, dx,
           Indices(), dw.attention_norm);
    workspace_.release(mark);
}

template <class Scalar>
void Transformer<Scalar>::backward_pass(Weights const& weights, HeadNumbers const& derivatives,
                                        Weights const& gradient) {
    Layout const& layout = weights.layout;
    auto const& chunk = state_.chunk;
    Matrix const dnormed = zeros(state_.last.extent_int(0), shape_.width);
    head_backward(weights, derivatives, gradient, dnormed);
    Matrix const dx = zeros(chunk.rows, shape_.width);
    Matrix const dend = chunk.trimmed ? zeros(state_.last.extent_int(0), shape_.width) : dx;
    launch(kernels::rmsnorm_backward<Exec, Scalar>, dnormed, state_.last, weights.vector(layout.final_norm()),
           state_.last_scale, dend, chunk.sum_blocks, gradient.vector(layout.final_norm()));
    for (int i = shape_.depth - 1; i >= 0; --i) { layer_backward(weights, i, gradient, trims(i) ? dend : dx, dx); }
    launch(kernels::embedding_backward<Exec, Scalar>, dx, state_.chunk.by_token, gradient.matrix(layout.embedding()));
}

template <class Scalar>
void Transformer<Scalar>::backward(Weights const& weights, ChunkGradients const& outputs, Vector const& gradient) {
    core::check(state_.kept, "backward without a kept forward pass");
    state_.kept = false;
    HeadNumbers derivatives = head_numbers();
    Scalar* const numbers = staging_.host(derivatives.all.extent(0));
    std::fill_n(numbers, derivatives.all.extent(0), Scalar(0));
    auto const put = [&](std::vector<double> const& from, Vector const& part) {
        core::check(from.empty() || from.size() == part.extent(0), "a derivative for each output, or none");
        std::transform(from.begin(), from.end(), numbers + (part.data() - derivatives.all.data()),
                       [](double value) { return static_cast<Scalar>(value); });
    };
    put(outputs.logprob, derivatives.logprob);
    put(outputs.entropy, derivatives.entropy);
    put(outputs.value, derivatives.value);
    staging_.upload(derivatives.all);
    if (outputs.logprob.empty() && outputs.entropy.empty()) { derivatives.logprob = derivatives.entropy = {}; }
    if (outputs.value.empty()) { derivatives.value = {}; }
    backward_pass(weights, derivatives, {weights.layout, gradient});
    state_.layers.clear();
}

template class Transformer<float>;
template class Transformer<double>;

}  // namespace alignsweep::model::device
