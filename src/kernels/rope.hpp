// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding. Su et al., arXiv:2104.09864, eq. 34, with the pairing (i, i + D/2) of Llama in
// transformers ("rotate half").
#pragma once

#include "kernels/types.hpp"

namespace alignsweep::kernels {

// cos and sin of position * theta^(-2 i / D), each [positions, D / 2], computed in double.
template <class ExecSpace, class Scalar>
struct RopeTable {
    Matrix<ExecSpace, Scalar> cos, sin;
};
template <class ExecSpace, class Scalar>
RopeTable<ExecSpace, Scalar> make_rope_table(ExecSpace const& space, int positions, int head_dim, double theta);

// Rotates the first `heads` heads of every row of x[n, >= heads * D] in place by its position; `inverse` turns back
// (which is the backward pass: a rotation's Jacobian is its transpose).
template <class ExecSpace, class Scalar>
void rope(ExecSpace const& space, RopeTable<ExecSpace, Scalar> const& table, Arg<Indices<ExecSpace>> positions,
          int heads, bool inverse, Matrix<ExecSpace, Scalar> x);

}  // namespace alignsweep::kernels
