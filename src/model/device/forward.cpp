// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/swiglu.hpp"
#include "model/device/transformer.hpp"

namespace alignsweep::model::device {

using kernels::gemm;
using kernels::Op;

template <class ExecSpace, class Scalar>
Transformer<ExecSpace, Scalar>::Transformer(ExecSpace const& space, Shape const& shape)
    : shape_(shape),
      space_(space),
      rope_(kernels::make_rope_table<ExecSpace, Scalar>(shape.context, shape.head_dim(), shape.rope_theta)) {
    core::check(shape.head_dim() <= kernels::max_head_dim, "head dimension above ", kernels::max_head_dim);
}

template <class ExecSpace, class Scalar>
std::int64_t Transformer<ExecSpace, Scalar>::elements_needed(std::int64_t rows, std::int64_t targets,
                                                             std::int64_t values, bool keep) const {
    auto const matrix = [](std::int64_t r, std::int64_t c) { return Workspace<ExecSpace, Scalar>::rounded(r * c); };
    std::int64_t const width = shape_.width, hidden = shape_.hidden, qkv = head_shape(shape_).qkv_width();
    std::int64_t const layer = 5 * matrix(rows, width) + matrix(rows, qkv) + matrix(rows, shape_.heads) +
                               matrix(rows, 2 * hidden) + matrix(rows, hidden) + 2 * matrix(rows, 1);
    std::int64_t const ends = 3 * matrix(rows, width) + matrix(rows, 1) + matrix(targets, width) +
                              matrix(targets, shape_.vocabulary) + 5 * matrix(targets, 1) + matrix(values, width) +
                              2 * matrix(values, 1);
    // The backward pass of one layer, beside what was kept.
    std::int64_t const back = 3 * matrix(rows, width) + matrix(rows, qkv) + matrix(rows, 2 * hidden) +
                              matrix(rows, hidden) + matrix(targets, width) + matrix(values, width) +
                              matrix(rows, width);
    return ends + (keep ? layer * shape_.depth + back : 2 * layer);
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::layer_forward(Weights const& weights, int index,
                                                   DeviceChunk<ExecSpace> const& chunk, Matrix x, bool keep,
                                                   CacheTarget const* target, bool decoding) -> Matrix {
    auto const& offsets = weights.layout.layer(index);
    auto const& flat = weights.values;
    auto const heads = head_shape(shape_);
    std::int64_t const rows = chunk.rows, width = shape_.width, hidden = shape_.hidden;
    std::int64_t const mark = workspace_.mark();
    LayerState layer;
    layer.input = x;
    layer.normed_input = workspace_.matrix(rows, width);
    layer.input_scale = workspace_.vector(rows);
    kernels::rmsnorm_forward<ExecSpace, Scalar>(space_, x, as_vector(flat, offsets.attention_norm, width),
                                                shape_.norm_eps, layer.normed_input, layer.input_scale);
    layer.qkv = workspace_.matrix(rows, heads.qkv_width());
    gemm<ExecSpace, Scalar>(space_, Op::none, Op::transpose, 1.0, layer.normed_input,
                            as_matrix(flat, offsets.qkv, heads.qkv_width(), shape_.width), 0.0, layer.qkv);
    kernels::rope<ExecSpace, Scalar>(space_, rope_, chunk.positions, heads.heads + heads.kv_heads, false, layer.qkv);
    layer.attended = workspace_.matrix(rows, width);
    if (target != nullptr) {
        kernels::store_in_cache<ExecSpace, Scalar>(space_, heads, target->slot, chunk.positions, layer.qkv,
                                                   (*target->cache)[static_cast<std::size_t>(index)]);
    }
    if (decoding) {
        kernels::attention_decode<ExecSpace, Scalar>(space_, heads, target->slot, chunk.positions, layer.qkv,
                                                     (*target->cache)[static_cast<std::size_t>(index)], layer.attended);
    } else {
        layer.log_normaliser = workspace_.matrix(rows, heads.heads);
        kernels::attention_forward<ExecSpace, Scalar>(space_, heads, chunk.groups, layer.qkv, layer.attended,
                                                      layer.log_normaliser);
    }
    layer.middle = x;
    if (keep) {
        layer.middle = workspace_.matrix(rows, width);
        Kokkos::deep_copy(space_, layer.middle, x);
    }
    gemm<ExecSpace, Scalar>(space_, Op::none, Op::transpose, 1.0, layer.attended,
                            as_matrix(flat, offsets.attention_out, shape_.width, shape_.width), 1.0, layer.middle);
    layer.normed_middle = workspace_.matrix(rows, width);
    layer.middle_scale = workspace_.vector(rows);
    kernels::rmsnorm_forward<ExecSpace, Scalar>(space_, layer.middle, as_vector(flat, offsets.mlp_norm, width),
                                                shape_.norm_eps, layer.normed_middle, layer.middle_scale);
    layer.gate_up = workspace_.matrix(rows, 2 * hidden);
    gemm<ExecSpace, Scalar>(space_, Op::none, Op::transpose, 1.0, layer.normed_middle,
                            as_matrix(flat, offsets.gate_up, 2 * shape_.hidden, shape_.width), 0.0, layer.gate_up);
    layer.activated = workspace_.matrix(rows, hidden);
    kernels::swiglu_forward<ExecSpace, Scalar>(space_, layer.gate_up, layer.activated);
    Matrix output = layer.middle;
    if (keep) {
        output = workspace_.matrix(rows, width);
        Kokkos::deep_copy(space_, output, layer.middle);
    }
    gemm<ExecSpace, Scalar>(space_, Op::none, Op::transpose, 1.0, layer.activated,
                            as_matrix(flat, offsets.down, shape_.width, shape_.hidden), 1.0, output);
    if (keep) {
        state_.layers.push_back(layer);
    } else {
        workspace_.release(mark);
    }
    return output;
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::backbone(Weights const& weights, DeviceChunk<ExecSpace> const& chunk, bool keep,
                                              CacheTarget const* target, bool decoding) -> Matrix {
    workspace_.reset(
        elements_needed(chunk.rows, std::max(chunk.targets, decoding ? chunk.rows : 0), chunk.values, keep));
    state_ = State{};
    auto const table = as_matrix(weights.values, weights.layout.embedding(), shape_.vocabulary, shape_.width);
    Matrix x = workspace_.matrix(chunk.rows, shape_.width);
    kernels::gather_rows<ExecSpace, Scalar>(space_, table, chunk.tokens, x);
    for (int i = 0; i < shape_.depth; ++i) { x = layer_forward(weights, i, chunk, x, keep, target, decoding); }
    Matrix normed = workspace_.matrix(chunk.rows, shape_.width);
    Vector scale = workspace_.vector(chunk.rows);
    kernels::rmsnorm_forward<ExecSpace, Scalar>(space_, x,
                                                as_vector(weights.values, weights.layout.final_norm(), shape_.width),
                                                shape_.norm_eps, normed, scale);
    state_.last = x;
    state_.last_scale = scale;
    return normed;
}

template <class ExecSpace, class Scalar>
ChunkOutputs Transformer<ExecSpace, Scalar>::forward(Weights const& weights, ChunkInput const& input,
                                                     double temperature, bool keep) {
    auto const chunk = upload<ExecSpace>(input, kernels::lanes<ExecSpace, Scalar>);
    Matrix const normed = backbone(weights, chunk, keep, nullptr, false);
    state_.chunk = chunk;
    state_.normed = normed;
    state_.temperature = temperature;
    ChunkOutputs outputs;
    head_forward(weights, outputs);
    return outputs;
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::lm_logits(Weights const& weights, Matrix const& hidden) -> Matrix {
    Matrix logits = workspace_.matrix(static_cast<std::int64_t>(hidden.extent(0)), shape_.vocabulary);
    gemm<ExecSpace, Scalar>(space_, Op::none, Op::transpose, 1.0, hidden,
                            as_matrix(weights.values, weights.layout.lm_head(), shape_.vocabulary, shape_.width), 0.0,
                            logits);
    return logits;
}

template <class ExecSpace, class Scalar>
std::vector<Scalar> Transformer<ExecSpace, Scalar>::logits(Weights const& weights, ChunkInput const& input) {
    auto chunk = upload<ExecSpace>(input, kernels::lanes<ExecSpace, Scalar>);
    chunk.targets = chunk.rows;  // makes room for a row of logits a token
    Matrix const all = lm_logits(weights, backbone(weights, chunk, false, nullptr, false));
    return to_host<ExecSpace, Scalar>(space_, Vector(all.data(), all.size()));
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::prefill(Weights const& weights, DeviceChunk<ExecSpace> const& chunk,
                                             CacheTarget const& target) -> Matrix {
    return backbone(weights, chunk, false, &target, false);
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::decode(Weights const& weights, kernels::Indices<ExecSpace> tokens,
                                            kernels::Indices<ExecSpace> positions, CacheTarget const& target)
    -> Matrix {
    DeviceChunk<ExecSpace> chunk;
    chunk.rows = static_cast<std::int32_t>(tokens.extent(0));
    chunk.tokens = tokens;
    chunk.positions = positions;
    return backbone(weights, chunk, false, &target, true);
}

#define INSTANTIATE(E, S)                                                                                           \
    template Transformer<E, S>::Transformer(E const&, Shape const&);                                                \
    template std::int64_t Transformer<E, S>::elements_needed(std::int64_t, std::int64_t, std::int64_t, bool) const; \
    template ChunkOutputs Transformer<E, S>::forward(Weights const&, ChunkInput const&, double, bool);              \
    template Transformer<E, S>::Matrix Transformer<E, S>::lm_logits(Weights const&, Matrix const&);                 \
    template std::vector<S> Transformer<E, S>::logits(Weights const&, ChunkInput const&);                           \
    template Transformer<E, S>::Matrix Transformer<E, S>::prefill(Weights const&, DeviceChunk<E> const&,            \
                                                                  CacheTarget const&);                              \
    template Transformer<E, S>::Matrix Transformer<E, S>::decode(Weights const&, kernels::Indices<E>,               \
                                                                 kernels::Indices<E>, CacheTarget const&);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
