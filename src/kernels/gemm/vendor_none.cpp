// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "kernels/gemm/gemm.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void vendor_gemm(ExecSpace const& /*space*/, Op /*op_a*/, Op /*op_b*/, Arg<ConstMatrix<ExecSpace, Scalar>> /*a*/,
                 Arg<ConstMatrix<ExecSpace, Scalar>> /*b*/, bool /*add*/, Matrix<ExecSpace, Scalar> /*c*/) {
    core::check(false, "this program was built without a vendor's products");
}

std::string vendor_library() { return {}; }

#define INSTANTIATE(E, S) ALIGNSWEEP_INSTANTIATE_GEMM(vendor_gemm, E, S)
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
