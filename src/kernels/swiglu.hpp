// SPDX-License-Identifier: Apache-2.0
// SwiGLU. Shazeer, arXiv:2002.05202, eq. 5: silu(gate) * up.
#pragma once

#include "kernels/types.hpp"

namespace alignsweep::kernels {

// gate_up[n, 2 f] holds gate (first f columns) and up; out[n, f] = silu(gate) * up.
template <class ExecSpace, class Scalar>
void swiglu_forward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> gate_up, Matrix<ExecSpace, Scalar> out);

// dgate_up[n, 2 f] from dout[n, f].
template <class ExecSpace, class Scalar>
void swiglu_backward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> dout,
                     Arg<ConstMatrix<ExecSpace, Scalar>> gate_up, Matrix<ExecSpace, Scalar> dgate_up);

}  // namespace alignsweep::kernels
