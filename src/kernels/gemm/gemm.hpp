// SPDX-License-Identifier: Apache-2.0
// Matrix products. One of gemm_cblas.cpp, gemm_cublas.cpp and gemm_kokkos.cpp is linked, by backend.
#pragma once

#include "kernels/types.hpp"

namespace alignsweep::kernels {

enum class Op { none, transpose };

// c = alpha op(a) op(b) + beta c, row-major. op(a) is [m, k], op(b) is [k, n], c is [m, n]. With beta = 0, c may hold
// anything. Bits depend on the shapes alone: tiles have a fixed size and each is one single-threaded product.
template <class ExecSpace, class Scalar>
void gemm(ExecSpace const& space, Op op_a, Op op_b, double alpha, Arg<ConstMatrix<ExecSpace, Scalar>> a,
          Arg<ConstMatrix<ExecSpace, Scalar>> b, double beta, Matrix<ExecSpace, Scalar> c);

// "cblas", "cublas" or "kokkos", and the library's own word on what it is (version, kernels): for a result's facts.
[[nodiscard]] std::string gemm_library();

}  // namespace alignsweep::kernels
