// SPDX-License-Identifier: Apache-2.0
// The paths through the layers: training, scoring (prefill too), decoding; and their pieces.
#include "core/error.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/swiglu.hpp"
#include "model/device/transformer.hpp"

namespace alignsweep::model::device {

template <class ExecSpace, class Scalar>
Transformer<ExecSpace, Scalar>::Transformer(ExecSpace const& space, Shape const& shape)
    : shape_(shape),
      space_(space),
      rope_(kernels::make_rope_table<ExecSpace, Scalar>(space, shape.context, shape.head_dim(), shape.rope_theta)),
      uploader_(space, kernels::lanes<ExecSpace, Scalar>),
      staging_(space),
      workspace_(space) {
    core::check(shape.head_dim() <= kernels::max_head_dim, "head dimension above ", kernels::max_head_dim);
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::copy_of(Matrix const& x) -> Matrix {
    Matrix const copy = workspace_.matrix(static_cast<std::int64_t>(x.extent(0)), shape_.width);
    if (!workspace_.counting()) { Kokkos::deep_copy(space_, copy, x); }
    return copy;
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::open_layer(Weights const& weights, int index, Indices const& positions,
                                                Matrix const& x) -> LayerState {
    auto const& offsets = weights.layout.layer(index);
    auto const heads = head_shape(shape_);
    auto const rows = static_cast<std::int64_t>(x.extent(0));
    LayerState layer;
    layer.input = x;
    layer.normed_input = workspace_.matrix(rows, shape_.width);
    layer.input_scale = workspace_.vector(rows);
    launch(kernels::rmsnorm_forward<ExecSpace, Scalar>, x,
           as_vector(weights.values, offsets.attention_norm, shape_.width), shape_.norm_eps, layer.normed_input,
           layer.input_scale);
    layer.qkv = workspace_.matrix(rows, heads.qkv_width());
    times_transposed(layer.normed_input, as_matrix(weights.values, offsets.qkv, heads.qkv_width(), shape_.width), 0.0,
                     layer.qkv);
    launch(kernels::rope<ExecSpace, Scalar>, rope_, positions, heads.heads + heads.kv_heads, false, layer.qkv);
    layer.attended = workspace_.matrix(rows, shape_.width);
    return layer;
}

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::attend(LayerState& layer) {
    layer.log_normaliser = workspace_.matrix(static_cast<std::int64_t>(layer.qkv.extent(0)), shape_.heads);
    launch(kernels::attention_forward<ExecSpace, Scalar>, head_shape(shape_), state_.chunk.groups, layer.qkv,
           layer.attended, layer.log_normaliser);
}

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::expand(Weights const& weights, int index, LayerState& layer) {
    auto const& offsets = weights.layout.layer(index);
    auto const rows = static_cast<std::int64_t>(layer.middle.extent(0));
    int const width = shape_.width, hidden = shape_.hidden;
    times_transposed(layer.attended, as_matrix(weights.values, offsets.attention_out, width, width), 1.0, layer.middle);
    layer.normed_middle = workspace_.matrix(rows, width);
    layer.middle_scale = workspace_.vector(rows);
    launch(kernels::rmsnorm_forward<ExecSpace, Scalar>, layer.middle,
           as_vector(weights.values, offsets.mlp_norm, width), shape_.norm_eps, layer.normed_middle,
           layer.middle_scale);
    layer.gate_up = workspace_.matrix(rows, 2 * hidden);
    times_transposed(layer.normed_middle, as_matrix(weights.values, offsets.gate_up, 2 * hidden, width), 0.0,
                     layer.gate_up);
    layer.activated = workspace_.matrix(rows, hidden);
    launch(kernels::swiglu_forward<ExecSpace, Scalar>, layer.gate_up, layer.activated);
}

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::contract(Weights const& weights, int index, LayerState const& layer,
                                              Matrix const& output) {
    times_transposed(layer.activated,
                     as_matrix(weights.values, weights.layout.layer(index).down, shape_.width, shape_.hidden), 1.0,
                     output);
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::training_layer(Weights const& weights, int index, Matrix const& x) -> Matrix {
    LayerState layer = open_layer(weights, index, state_.chunk.positions, x);
    attend(layer);
    layer.middle = copy_of(x);
    expand(weights, index, layer);
    Matrix const output = copy_of(layer.middle);
    contract(weights, index, layer, output);
    state_.layers.push_back(layer);
    return output;
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::scoring_layer(Weights const& weights, int index, Matrix const& x,
                                                   Cache<ExecSpace, Scalar> const* cache) -> Matrix {
    std::int64_t const mark = workspace_.mark();
    LayerState layer = open_layer(weights, index, state_.chunk.positions, x);
    if (cache != nullptr) {
        launch(kernels::store_in_cache<ExecSpace, Scalar>, head_shape(shape_), state_.chunk.slots,
               state_.chunk.positions, layer.qkv, (*cache)[static_cast<std::size_t>(index)]);
    }
    attend(layer);
    layer.middle = x;
    expand(weights, index, layer);
    contract(weights, index, layer, x);
    workspace_.release(mark);
    return x;
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::decoding_layer(Weights const& weights, int index, Matrix const& x,
                                                    kernels::DecodeRows<ExecSpace> const& rows,
                                                    Cache<ExecSpace, Scalar> const& cache) -> Matrix {
    std::int64_t const mark = workspace_.mark();
    auto const& layer_cache = cache[static_cast<std::size_t>(index)];
    LayerState layer = open_layer(weights, index, rows.position, x);
    launch(kernels::store_in_cache<ExecSpace, Scalar>, head_shape(shape_), rows.slot, rows.position, layer.qkv,
           layer_cache);
    launch(kernels::attention_decode<ExecSpace, Scalar>, head_shape(shape_), rows.slot, rows.position, layer.qkv,
           layer_cache, layer.attended);
    layer.middle = x;
    expand(weights, index, layer);
    contract(weights, index, layer, x);
    workspace_.release(mark);
    return x;
}

template <class ExecSpace, class Scalar>
template <class Layer>
auto Transformer<ExecSpace, Scalar>::backbone(Weights const& weights, Indices const& tokens, Layer const& layer)
    -> Matrix {
    state_.layers.clear();
    Matrix x = gathered(as_matrix(weights.values, weights.layout.embedding(), shape_.vocabulary, shape_.width), tokens);
    for (int i = 0; i < shape_.depth; ++i) { x = layer(i, x); }
    auto const rows = static_cast<std::int64_t>(x.extent(0));
    Matrix const normed = workspace_.matrix(rows, shape_.width);
    state_.last = x;
    state_.last_scale = workspace_.vector(rows);
    launch(kernels::rmsnorm_forward<ExecSpace, Scalar>, x,
           as_vector(weights.values, weights.layout.final_norm(), shape_.width), shape_.norm_eps, normed,
           state_.last_scale);
    return normed;
}

template <class ExecSpace, class Scalar>
ChunkOutputs Transformer<ExecSpace, Scalar>::forward(Weights const& weights, ChunkInput const& input,
                                                     double temperature, bool keep) {
    state_ = State{};
    state_.chunk = uploader_.upload(input);
    state_.temperature = temperature;
    auto const pass = [&] {
        state_.normed = backbone(weights, state_.chunk.tokens, [&](int i, Matrix const& x) {
            return keep ? training_layer(weights, i, x) : scoring_layer(weights, i, x, nullptr);
        });
        head_forward(weights);
    };
    workspace_.make_room([&] {
        pass();
        // The weights stand for the gradient, which has their layout.
        if (keep) { backward_pass(weights, head_numbers(), true, true, weights.values); }
    });
    pass();
    state_.kept = keep;
    ChunkOutputs outputs;
    Scalar const* const numbers = staging_.download(state_.outputs.all);
    auto const take = [&](Vector const& part, std::vector<double>& to) {
        Scalar const* const from = numbers + (part.data() - state_.outputs.all.data());
        to.assign(from, from + part.extent(0));
    };
    take(state_.outputs.logprob, outputs.logprob);
    take(state_.outputs.entropy, outputs.entropy);
    take(state_.outputs.value, outputs.value);
    return outputs;
}

template <class ExecSpace, class Scalar>
std::vector<Scalar> Transformer<ExecSpace, Scalar>::logits(Weights const& weights, ChunkInput const& input) {
    state_ = State{};
    state_.chunk = uploader_.upload(input);
    auto const pass = [&] {
        return lm_logits(weights, backbone(weights, state_.chunk.tokens, [&](int i, Matrix const& x) {
                             return scoring_layer(weights, i, x, nullptr);
                         }));
    };
    workspace_.make_room(pass);
    Matrix const all = pass();
    return to_host<ExecSpace, Scalar>(space_, Vector(all.data(), all.size()));
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::prefill(Weights const& weights, ChunkInput const& input,
                                             std::span<std::int32_t const> slots, Cache<ExecSpace, Scalar> const& cache)
    -> Matrix {
    state_ = State{};
    state_.chunk = uploader_.upload(input, slots);
    auto const pass = [&] {
        Matrix const normed = backbone(weights, state_.chunk.tokens,
                                       [&](int i, Matrix const& x) { return scoring_layer(weights, i, x, &cache); });
        return lm_logits(weights, gathered(normed, state_.chunk.target_rows));
    };
    workspace_.make_room(pass);
    return pass();
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::decode(Weights const& weights, kernels::DecodeRows<ExecSpace> const& rows,
                                            Cache<ExecSpace, Scalar> const& cache) -> Matrix {
    state_.kept = false;
    auto const pass = [&] {
        return lm_logits(weights, backbone(weights, rows.token, [&](int i, Matrix const& x) {
                             return decoding_layer(weights, i, x, rows, cache);
                         }));
    };
    workspace_.make_room(pass);
    return pass();
}

#define INSTANTIATE(E, S)                                                                                             \
    template Transformer<E, S>::Transformer(E const&, Shape const&);                                                  \
    template ChunkOutputs Transformer<E, S>::forward(Weights const&, ChunkInput const&, double, bool);                \
    template std::vector<S> Transformer<E, S>::logits(Weights const&, ChunkInput const&);                             \
    template Transformer<E, S>::Matrix Transformer<E, S>::prefill(Weights const&, ChunkInput const&,                  \
                                                                  std::span<std::int32_t const>, Cache<E, S> const&); \
    template Transformer<E, S>::Matrix Transformer<E, S>::decode(Weights const&, kernels::DecodeRows<E> const&,       \
                                                                 Cache<E, S> const&);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
