// SPDX-License-Identifier: Apache-2.0
// The language-model head (log-probabilities and entropies of the target rows) and the scalar head (rewards, values).
#include "core/error.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/logprob.hpp"
#include "model/device/transformer.hpp"

namespace alignsweep::model::device {

using kernels::gemm;
using kernels::Op;

namespace {

template <class ExecSpace, class Scalar>
std::vector<double> download(ExecSpace const& space, kernels::Vector<ExecSpace, Scalar> const& device) {
    std::vector<Scalar> const host = to_host(space, device);
    return {host.begin(), host.end()};
}

// Fills a device vector with `host`, or with zeros where it is empty.
template <class ExecSpace, class Scalar>
void upload_into(ExecSpace const& space, std::vector<double> const& host,
                 kernels::Vector<ExecSpace, Scalar> const& device) {
    std::vector<Scalar> values(host.begin(), host.end());
    values.resize(device.extent(0));
    from_host<ExecSpace, Scalar>(space, values, device);
}

}  // namespace

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::head_forward(Weights const& weights, ChunkOutputs& outputs) {
    auto const& chunk = state_.chunk;
    if (chunk.targets > 0) {
        state_.target_hidden = workspace_.matrix(chunk.targets, shape_.width);
        kernels::gather_rows<ExecSpace, Scalar>(space_, state_.normed, chunk.target_rows, state_.target_hidden);
        state_.logits = lm_logits(weights, state_.target_hidden);
        Vector logprob = workspace_.vector(chunk.targets);
        state_.entropy = workspace_.vector(chunk.targets);
        state_.log_normaliser = workspace_.vector(chunk.targets);
        kernels::logprob_forward<ExecSpace, Scalar>(space_, state_.logits, chunk.target_tokens, state_.temperature,
                                                    logprob, state_.entropy, state_.log_normaliser);
        outputs.logprob = download(space_, logprob);
        outputs.entropy = download(space_, state_.entropy);
    }
    if (chunk.values > 0) {
        core::check(shape_.scalar_head, "a model without scalar head was asked for values");
        state_.value_hidden = workspace_.matrix(chunk.values, shape_.width);
        kernels::gather_rows<ExecSpace, Scalar>(space_, state_.normed, chunk.value_rows, state_.value_hidden);
        Matrix values = workspace_.matrix(chunk.values, 1);
        gemm<ExecSpace, Scalar>(space_, Op::none, Op::transpose, 1.0, state_.value_hidden,
                                as_matrix(weights.values, weights.layout.score(), 1, shape_.width), 0.0, values);
        outputs.value = download(space_, Vector(values.data(), chunk.values));
    }
}

template <class ExecSpace, class Scalar>
void Transformer<ExecSpace, Scalar>::head_backward(Weights const& weights, ChunkGradients const& outputs,
                                                   Vector const& gradient, Matrix dnormed) {
    auto const& chunk = state_.chunk;
    if (chunk.targets > 0 && !(outputs.logprob.empty() && outputs.entropy.empty())) {
        Vector dlogprob = workspace_.vector(chunk.targets), dentropy = workspace_.vector(chunk.targets);
        upload_into(space_, outputs.logprob, dlogprob);
        upload_into(space_, outputs.entropy, dentropy);
        kernels::logprob_backward<ExecSpace, Scalar>(space_, chunk.target_tokens, state_.temperature, state_.entropy,
                                                     state_.log_normaliser, dlogprob, dentropy, state_.logits);
        std::int64_t const head = weights.layout.lm_head();
        Matrix dhidden = workspace_.matrix(chunk.targets, shape_.width);
        gemm<ExecSpace, Scalar>(space_, Op::none, Op::none, 1.0, state_.logits,
                                as_matrix(weights.values, head, shape_.vocabulary, shape_.width), 0.0, dhidden);
        gemm<ExecSpace, Scalar>(space_, Op::transpose, Op::none, 1.0, state_.logits, state_.target_hidden, 1.0,
                                as_matrix(gradient, head, shape_.vocabulary, shape_.width));
        kernels::scatter_add_rows<ExecSpace, Scalar>(space_, dhidden, chunk.target_rows, dnormed);
    }
    if (chunk.values > 0 && !outputs.value.empty()) {
        Vector dvalue = workspace_.vector(chunk.values);
        upload_into(space_, outputs.value, dvalue);
        Matrix const column(dvalue.data(), chunk.values, 1);
        Matrix dhidden = workspace_.matrix(chunk.values, shape_.width);
        gemm<ExecSpace, Scalar>(space_, Op::none, Op::none, 1.0, column,
                                as_matrix(weights.values, weights.layout.score(), 1, shape_.width), 0.0, dhidden);
        gemm<ExecSpace, Scalar>(space_, Op::transpose, Op::none, 1.0, column, state_.value_hidden, 1.0,
                                as_matrix(gradient, weights.layout.score(), 1, shape_.width));
        kernels::scatter_add_rows<ExecSpace, Scalar>(space_, dhidden, chunk.value_rows, dnormed);
    }
}

#define INSTANTIATE(E, S)                                                         \
    template void Transformer<E, S>::head_forward(Weights const&, ChunkOutputs&); \
    template void Transformer<E, S>::head_backward(Weights const&, ChunkGradients const&, Vector const&, Matrix);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
