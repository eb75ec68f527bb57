// SPDX-License-Identifier: Apache-2.0
// Log-softmax, gather of the target's log-probability and entropy in one pass over the logits, and its gradient.
#pragma once

#include "kernels/types.hpp"

namespace alignsweep::kernels {

// With z = logits[n, :] / temperature: log_normaliser[n] = logsumexp(z); logprob[n] = z[target[n]] - log_normaliser[n];
// entropy[n] = -sum_v p_v log p_v, in nats.
template <class ExecSpace, class Scalar>
void logprob_forward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> logits, Arg<Indices<ExecSpace>> target,
                     double temperature, Vector<ExecSpace, Scalar> logprob, Vector<ExecSpace, Scalar> entropy,
                     Vector<ExecSpace, Scalar> log_normaliser);

// Overwrites the logits with dlogits[n, v] = (dlogprob[n] (1[v = target] - p_v) - dentropy[n] p_v (log p_v + H)) / T.
template <class ExecSpace, class Scalar>
void logprob_backward(ExecSpace const& space, Arg<Indices<ExecSpace>> target, double temperature,
                      Arg<ConstVector<ExecSpace, Scalar>> entropy, Arg<ConstVector<ExecSpace, Scalar>> log_normaliser,
                      Arg<ConstVector<ExecSpace, Scalar>> dlogprob, Arg<ConstVector<ExecSpace, Scalar>> dentropy,
                      Matrix<ExecSpace, Scalar> logits);

}  // namespace alignsweep::kernels
