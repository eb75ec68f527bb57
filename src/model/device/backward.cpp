// SPDX-License-Identifier: Apache-2.0
// Mirrors forward.cpp from its end to its beginning.
#include "core/error.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/swiglu.hpp"
#include "model/device/transformer.hpp"

namespace alignsweep::model::device {

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::layer_backward(Weights const& weights, int index, Vector const& gradient,
                                                    Matrix const& dx) {
    LayerState const& layer = state_.layers[static_cast<std::size_t>(index)];
    auto const& offsets = weights.layout.layer(index);
    auto const& flat = weights.values;
    auto const heads = head_shape(shape_);
    int const width = shape_.width, hidden = shape_.hidden, qkv_width = heads.qkv_width();
    std::int64_t const rows = state_.chunk.rows, mark = workspace_.mark();

    Matrix const dactivated = workspace_.matrix(rows, hidden);
    times(dx, as_matrix(flat, offsets.down, width, hidden), dactivated);
    add_outer(dx, layer.activated, as_matrix(gradient, offsets.down, width, hidden));
    Matrix const dgate_up = workspace_.matrix(rows, 2 * hidden);
    launch(kernels::swiglu_backward<ExecSpace, Scalar>, dactivated, layer.gate_up, dgate_up);
    Matrix const dnormed = workspace_.matrix(rows, width);
    times(dgate_up, as_matrix(flat, offsets.gate_up, 2 * hidden, width), dnormed);
    add_outer(dgate_up, layer.normed_middle, as_matrix(gradient, offsets.gate_up, 2 * hidden, width));
    launch(kernels::rmsnorm_backward<ExecSpace, Scalar>, dnormed, layer.middle,
           as_vector(flat, offsets.mlp_norm, width), layer.middle_scale, dx,
           as_vector(gradient, offsets.mlp_norm, width));

    Matrix const dattended = workspace_.matrix(rows, width);
    times(dx, as_matrix(flat, offsets.attention_out, width, width), dattended);
    add_outer(dx, layer.attended, as_matrix(gradient, offsets.attention_out, width, width));
    Matrix const dqkv = workspace_.matrix(rows, qkv_width);
    launch(kernels::attention_backward<ExecSpace, Scalar>, heads, state_.chunk.groups, layer.qkv, layer.attended,
           dattended, layer.log_normaliser, dqkv);
    launch(kernels::rope<ExecSpace, Scalar>, rope_, state_.chunk.positions, heads.heads + heads.kv_heads, true, dqkv);
    times(dqkv, as_matrix(flat, offsets.qkv, qkv_width, width), dnormed);
    add_outer(dqkv, layer.normed_input, as_matrix(gradient, offsets.qkv, qkv_width, width));
    launch(kernels::rmsnorm_backward<ExecSpace, Scalar>, dnormed, layer.input,
           as_vector(flat, offsets.attention_norm, width), layer.input_scale, dx,
           as_vector(gradient, offsets.attention_norm, width));
    workspace_.release(mark);
}

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::backward_pass(Weights const& weights, HeadNumbers const& derivatives,
                                                   bool of_targets, bool of_values, Vector const& gradient) {
    auto const zeros = [&] {
        Matrix const zero = workspace_.matrix(state_.chunk.rows, shape_.width);
        if (!workspace_.counting()) { Kokkos::deep_copy(space_, zero, Scalar(0)); }
        return zero;
    };
    Matrix const dnormed = zeros();
    head_backward(weights, derivatives, of_targets, of_values, gradient, dnormed);
    Matrix const dx = zeros();
    std::int64_t const norm = weights.layout.final_norm();
    launch(kernels::rmsnorm_backward<ExecSpace, Scalar>, dnormed, state_.last,
           as_vector(weights.values, norm, shape_.width), state_.last_scale, dx,
           as_vector(gradient, norm, shape_.width));
    for (int i = shape_.depth - 1; i >= 0; --i) { layer_backward(weights, i, gradient, dx); }
    launch(kernels::embedding_backward<ExecSpace, Scalar>, dx, state_.chunk.by_token,
           as_matrix(gradient, weights.layout.embedding(), shape_.vocabulary, shape_.width));
}

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::backward(Weights const& weights, ChunkGradients const& outputs,
                                              Vector const& gradient) {
    core::check(state_.kept, "backward without a kept forward pass");
    state_.kept = false;
    HeadNumbers const derivatives = head_numbers();
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
    backward_pass(weights, derivatives, !(outputs.logprob.empty() && outputs.entropy.empty()), !outputs.value.empty(),
                  gradient);
    state_.layers.clear();
}

#define INSTANTIATE(E, S)                                                                                          \
    template void Transformer<E, S>::backward_pass(Weights const&, HeadNumbers const&, bool, bool, Vector const&); \
    template void Transformer<E, S>::backward(Weights const&, ChunkGradients const&, Vector const&);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
