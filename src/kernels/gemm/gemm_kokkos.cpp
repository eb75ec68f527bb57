// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm_reference.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void gemm(ExecSpace const& space, Op op_a, Op op_b, Arg<ConstMatrix<ExecSpace, Scalar>> a,
          Arg<ConstMatrix<ExecSpace, Scalar>> b, bool add, Matrix<ExecSpace, Scalar> c) {
    assert_views<2, 2, 2>(space, a, b, c);
    gemm_reference<ExecSpace, Scalar>(space, op_a, op_b, a, b, add, c);
}

template <class ExecSpace, class Scalar>
Vector<ExecSpace, Scalar> pack_transposed(ExecSpace const& /*space*/, Arg<ConstMatrix<ExecSpace, Scalar>> /*w*/) {
    return {};
}

template <class ExecSpace, class Scalar>
void gemm_packed(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> a, Arg<ConstMatrix<ExecSpace, Scalar>> w,
                 Arg<ConstVector<ExecSpace, Scalar>> /*packed*/, bool add, Matrix<ExecSpace, Scalar> c) {
    gemm<ExecSpace, Scalar>(space, Op::none, Op::transpose, a, w, add, c);
}

#define INSTANTIATE(E, S)                   \
    ALIGNSWEEP_INSTANTIATE_GEMM(gemm, E, S) \
    ALIGNSWEEP_INSTANTIATE_PACKED(E, S)
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
