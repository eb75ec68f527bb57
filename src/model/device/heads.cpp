// SPDX-License-Identifier: Apache-2.0
// The language-model head (log-probabilities and entropies of the target rows) and the scalar head (rewards, values).
#include "core/error.hpp"
#include "kernels/logprob.hpp"
#include "model/device/transformer.hpp"

namespace alignsweep::model::device {

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::gathered(Matrix const& table, Indices const& index) -> Matrix {
    Matrix const out = workspace_.matrix(static_cast<std::int64_t>(index.extent(0)), shape_.width);
    launch(kernels::gather_rows<ExecSpace, Scalar>, table, index, out);
    return out;
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::lm_logits(Weights const& weights, Matrix const& hidden) -> Matrix {
    Matrix const logits = workspace_.matrix(static_cast<std::int64_t>(hidden.extent(0)), shape_.vocabulary);
    times_transposed(hidden, as_matrix(weights.values, weights.layout.lm_head(), shape_.vocabulary, shape_.width), 0.0,
                     logits);
    return logits;
}

template <class ExecSpace, class Scalar>
auto Transformer<ExecSpace, Scalar>::head_numbers() -> HeadNumbers {
    std::int64_t const targets = state_.chunk.targets, values = state_.chunk.values;
    std::int64_t const stride = workspace_.rounded(targets);
    Vector const all = workspace_.vector(2 * stride + values);
    // No offset from nowhere: the workspace may only be counting.
    auto const part = [&](std::int64_t first, std::int64_t size) {
        return Vector(all.data() == nullptr ? nullptr : all.data() + first, size);
    };
    return {all, part(0, targets), part(stride, targets), part(2 * stride, values)};
}

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::head_forward(Weights const& weights) {
    auto const& chunk = state_.chunk;
    state_.outputs = head_numbers();
    if (chunk.targets > 0) {
        state_.target_hidden = gathered(state_.normed, chunk.target_rows);
        state_.logits = lm_logits(weights, state_.target_hidden);
        state_.log_normaliser = workspace_.vector(chunk.targets);
        launch(kernels::logprob_forward<ExecSpace, Scalar>, state_.logits, chunk.target_tokens, state_.temperature,
               state_.outputs.logprob, state_.outputs.entropy, state_.log_normaliser);
    }
    if (chunk.values > 0) {
        core::check(shape_.scalar_head, "a model without scalar head was asked for values");
        state_.value_hidden = gathered(state_.normed, chunk.value_rows);
        times_transposed(state_.value_hidden, as_matrix(weights.values, weights.layout.score(), 1, shape_.width), 0.0,
                         Matrix(state_.outputs.value.data(), chunk.values, 1));
    }
}

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::head_backward(Weights const& weights, HeadNumbers const& derivatives,
                                                   bool of_targets, bool of_values, Vector const& gradient,
                                                   Matrix const& dnormed) {
    auto const& chunk = state_.chunk;
    int const width = shape_.width;
    if (chunk.targets > 0 && of_targets) {
        launch(kernels::logprob_backward<ExecSpace, Scalar>, chunk.target_tokens, state_.temperature,
               state_.outputs.entropy, state_.log_normaliser, derivatives.logprob, derivatives.entropy, state_.logits);
        std::int64_t const head = weights.layout.lm_head();
        Matrix const dhidden = workspace_.matrix(chunk.targets, width);
        times(state_.logits, as_matrix(weights.values, head, shape_.vocabulary, width), dhidden);
        add_outer(state_.logits, state_.target_hidden, as_matrix(gradient, head, shape_.vocabulary, width));
        launch(kernels::scatter_add_rows<ExecSpace, Scalar>, dhidden, chunk.target_rows, dnormed);
    }
    if (chunk.values > 0 && of_values) {
        Matrix const column(derivatives.value.data(), chunk.values, 1);
        Matrix const dhidden = workspace_.matrix(chunk.values, width);
        times(column, as_matrix(weights.values, weights.layout.score(), 1, width), dhidden);
        add_outer(column, state_.value_hidden, as_matrix(gradient, weights.layout.score(), 1, width));
        launch(kernels::scatter_add_rows<ExecSpace, Scalar>, dhidden, chunk.value_rows, dnormed);
    }
}

#define INSTANTIATE(E, S)                                                                                         \
    template Transformer<E, S>::Matrix Transformer<E, S>::gathered(Matrix const&, Indices const&);                \
    template Transformer<E, S>::Matrix Transformer<E, S>::lm_logits(Weights const&, Matrix const&);               \
    template Transformer<E, S>::HeadNumbers Transformer<E, S>::head_numbers();                                    \
    template void Transformer<E, S>::head_forward(Weights const&);                                                \
    template void Transformer<E, S>::head_backward(Weights const&, HeadNumbers const&, bool, bool, Vector const&, \
                                                   Matrix const&);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
