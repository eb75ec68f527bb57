// SPDX-License-Identifier: Apache-2.0
// Draws the next token of each row from its logits.
#pragma once

#include "core/random.hpp"
#include "kernels/sampling_rule.hpp"
#include "kernels/types.hpp"

namespace alignsweep::kernels {

// token[n] and its log-probability under softmax(logits / T) over the whole vocabulary, before top-k and top-p (which
// is what training computes again; at T = 0 it is that of T = 1). The uniform number of row n is
// stream(step, row_id[n], position[n]), so neither the batch nor the order of rows matters.
template <class ExecSpace, class Scalar>
void sample_tokens(ExecSpace const& space, SamplingRule const& rule, core::RandomStream const& stream,
                   std::uint32_t step, Arg<Indices<ExecSpace>> row_id, Arg<Indices<ExecSpace>> position,
                   Arg<ConstMatrix<ExecSpace, Scalar>> logits, Vector<ExecSpace, std::int32_t> token,
                   Vector<ExecSpace, Scalar> logprob);

}  // namespace alignsweep::kernels
