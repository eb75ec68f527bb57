// SPDX-License-Identifier: Apache-2.0
// Root-mean-square layer norm. Zhang & Sennrich, arXiv:1910.07467, eq. 4; epsilon inside the root as in Llama.
#pragma once

#include "kernels/types.hpp"

namespace alignsweep::kernels {

// out[n, d] = x[n, d] * inv_rms[n] * weight[d], inv_rms = (mean(x^2) + eps)^(-1/2).
template <class ExecSpace, class Scalar>
void rmsnorm_forward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> x,
                     Arg<ConstVector<ExecSpace, Scalar>> weight, double eps, Matrix<ExecSpace, Scalar> out,
                     Vector<ExecSpace, Scalar> inv_rms);

// dx[n, d] += d(out)/dx . dout; dweight[d] += d(out)/dweight . dout, summed in blocks of rows as add_column_sums says.
template <class ExecSpace, class Scalar>
void rmsnorm_backward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> dout,
                      Arg<ConstMatrix<ExecSpace, Scalar>> x, Arg<ConstVector<ExecSpace, Scalar>> weight,
                      Arg<ConstVector<ExecSpace, Scalar>> inv_rms, Matrix<ExecSpace, Scalar> dx,
                      Arg<Indices<ExecSpace>> blocks, Vector<ExecSpace, Scalar> dweight);

}  // namespace alignsweep::kernels
