// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm_reference.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void gemm(ExecSpace const& space, Op op_a, Op op_b, double alpha, Arg<ConstMatrix<ExecSpace, Scalar>> a,
          Arg<ConstMatrix<ExecSpace, Scalar>> b, double beta, Matrix<ExecSpace, Scalar> c) {
    assert_views<2, 2, 2>(space, a, b, c);
    gemm_reference<ExecSpace, Scalar>(space, op_a, op_b, alpha, a, b, beta, c);
}

std::string gemm_library() { return "kokkos"; }

#define INSTANTIATE(E, S) \
    template void gemm<E, S>(E const&, Op, Op, double, ConstMatrix<E, S>, ConstMatrix<E, S>, double, Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
