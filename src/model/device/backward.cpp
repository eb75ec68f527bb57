// SPDX-License-Identifier: Apache-2.0
// Mirrors forward.cpp from its end to its beginning.
#include "core/error.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/swiglu.hpp"
#include "model/device/transformer.hpp"

namespace alignsweep::model::device {

using kernels::gemm;
using kernels::Op;

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::layer_backward(Weights const& weights, int index, Vector const& gradient,
                                                    Matrix dx) {
    LayerState const& layer = state_.layers[static_cast<std::size_t>(index)];
    auto const& offsets = weights.layout.layer(index);
    auto const& flat = weights.values;
    auto const heads = head_shape(shape_);
    int const width = shape_.width, hidden = shape_.hidden, qkv_width = heads.qkv_width();
    std::int64_t const rows = state_.chunk.rows, mark = workspace_.mark();

    Matrix dactivated = workspace_.matrix(rows, hidden);
    gemm<ExecSpace, Scalar>(space_, Op::none, Op::none, 1.0, dx, as_matrix(flat, offsets.down, width, hidden), 0.0,
                            dactivated);
    gemm<ExecSpace, Scalar>(space_, Op::transpose, Op::none, 1.0, dx, layer.activated, 1.0,
                            as_matrix(gradient, offsets.down, width, hidden));
    Matrix dgate_up = workspace_.matrix(rows, 2 * hidden);
    kernels::swiglu_backward<ExecSpace, Scalar>(space_, dactivated, layer.gate_up, dgate_up);
    Matrix dnormed = workspace_.matrix(rows, width);
    gemm<ExecSpace, Scalar>(space_, Op::none, Op::none, 1.0, dgate_up,
                            as_matrix(flat, offsets.gate_up, 2 * hidden, width), 0.0, dnormed);
    gemm<ExecSpace, Scalar>(space_, Op::transpose, Op::none, 1.0, dgate_up, layer.normed_middle, 1.0,
                            as_matrix(gradient, offsets.gate_up, 2 * hidden, width));
    kernels::rmsnorm_backward<ExecSpace, Scalar>(space_, dnormed, layer.middle,
                                                 as_vector(flat, offsets.mlp_norm, width), layer.middle_scale, dx,
                                                 as_vector(gradient, offsets.mlp_norm, width));

    Matrix dattended = workspace_.matrix(rows, width);
    gemm<ExecSpace, Scalar>(space_, Op::none, Op::none, 1.0, dx, as_matrix(flat, offsets.attention_out, width, width),
                            0.0, dattended);
    gemm<ExecSpace, Scalar>(space_, Op::transpose, Op::none, 1.0, dx, layer.attended, 1.0,
                            as_matrix(gradient, offsets.attention_out, width, width));
    Matrix dqkv = workspace_.matrix(rows, qkv_width);
    kernels::attention_backward<ExecSpace, Scalar>(space_, heads, state_.chunk.groups, layer.qkv, layer.attended,
                                                   dattended, layer.log_normaliser, dqkv);
    kernels::rope<ExecSpace, Scalar>(space_, rope_, state_.chunk.positions, heads.heads + heads.kv_heads, true, dqkv);
    gemm<ExecSpace, Scalar>(space_, Op::none, Op::none, 1.0, dqkv, as_matrix(flat, offsets.qkv, qkv_width, width), 0.0,
                            dnormed);
    gemm<ExecSpace, Scalar>(space_, Op::transpose, Op::none, 1.0, dqkv, layer.normed_input, 1.0,
                            as_matrix(gradient, offsets.qkv, qkv_width, width));
    kernels::rmsnorm_backward<ExecSpace, Scalar>(space_, dnormed, layer.input,
                                                 as_vector(flat, offsets.attention_norm, width), layer.input_scale, dx,
                                                 as_vector(gradient, offsets.attention_norm, width));
    workspace_.release(mark);
}

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::backward(Weights const& weights, ChunkGradients const& outputs,
                                              Vector const& gradient) {
    core::check(static_cast<int>(state_.layers.size()) == shape_.depth, "backward without a kept forward pass");
    Matrix dnormed = workspace_.matrix(state_.chunk.rows, shape_.width);
    Kokkos::deep_copy(space_, dnormed, Scalar(0));
    head_backward(weights, outputs, gradient, dnormed);
    Matrix dx = workspace_.matrix(state_.chunk.rows, shape_.width);
    Kokkos::deep_copy(space_, dx, Scalar(0));
    kernels::rmsnorm_backward<ExecSpace, Scalar>(
        space_, dnormed, state_.last, as_vector(weights.values, weights.layout.final_norm(), shape_.width),
        state_.last_scale, dx, as_vector(gradient, weights.layout.final_norm(), shape_.width));
    for (int i = shape_.depth - 1; i >= 0; --i) { layer_backward(weights, i, gradient, dx); }
    kernels::embedding_backward<ExecSpace, Scalar>(
        space_, dx, state_.chunk.by_token,
        as_matrix(gradient, weights.layout.embedding(), shape_.vocabulary, shape_.width));
    state_.layers.clear();
}

#define INSTANTIATE(E, S)                                                                        \
    template void Transformer<E, S>::layer_backward(Weights const&, int, Vector const&, Matrix); \
    template void Transformer<E, S>::backward(Weights const&, ChunkGradients const&, Vector const&);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
