// SPDX-License-Identifier: Apache-2.0
// AdamW with decoupled weight decay. Loshchilov & Hutter, arXiv:1711.05101, algorithm 2; the order of operations and
// the place of epsilon (outside the root, after bias correction) are those of torch.optim.AdamW.
#pragma once

#include "kernels/types.hpp"

namespace alignsweep::kernels {

struct AdamwStep {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    double gradient_scale;  // multiplies every gradient first (clipping)
    std::int64_t step;      // 1 for the first
};

// Updates parameters and moments in place. Only the first `decayed` elements decay (model/layout.hpp puts matrices
// first).
template <class ExecSpace, class Scalar>
void adamw(ExecSpace const& space, AdamwStep const& step, std::int64_t decayed,
           Arg<ConstVector<ExecSpace, Scalar>> gradient, Vector<ExecSpace, Scalar> parameters,
           Vector<ExecSpace, Scalar> first_moment, Vector<ExecSpace, Scalar> second_moment);

}  // namespace alignsweep::kernels
