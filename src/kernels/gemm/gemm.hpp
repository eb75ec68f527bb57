// SPDX-License-Identifier: Apache-2.0
// Matrix products: c = op(a) op(b), or c + op(a) op(b) if `add`; row-major. op(a) is [m, k], op(b) is [k, n], c is [m,
// n]. Without `add`, c may hold anything.
#pragma once

#include "kernels/types.hpp"

#include <string>

namespace alignsweep::kernels {

enum class Op { none, transpose };

// Every element is a chain of fused multiply-adds over k in increasing order within blocks of k_block, and the blocks'
// sums are added to it in order: the same bits on every backend and processor, whatever stands beside the element.
// gemm_portable.cpp for hosts, gemm_kokkos.cpp for devices.
inline constexpr int k_block = 256;
template <class ExecSpace, class Scalar>
void gemm(ExecSpace const& space, Op op_a, Op op_b, Arg<ConstMatrix<ExecSpace, Scalar>> a,
          Arg<ConstMatrix<ExecSpace, Scalar>> b, bool add, Matrix<ExecSpace, Scalar> c);

// c = a w^T (+ c) again and again with the same w, [n, k]: `packed` holds it as the product reads it, and the bits are
// those of gemm. Where that would bring nothing (on devices), `packed` is empty and w is read.
template <class ExecSpace, class Scalar>
Vector<ExecSpace, Scalar> pack_transposed(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> w);
template <class ExecSpace, class Scalar>
void gemm_packed(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> a, Arg<ConstMatrix<ExecSpace, Scalar>> w,
                 Arg<ConstVector<ExecSpace, Scalar>> packed, bool add, Matrix<ExecSpace, Scalar> c);

// The same by the vendor's library, whose bits hold for one machine. vendor_cblas.cpp, vendor_cublas.cpp, or
// vendor_none.cpp, by what the build found.
template <class ExecSpace, class Scalar>
void vendor_gemm(ExecSpace const& space, Op op_a, Op op_b, Arg<ConstMatrix<ExecSpace, Scalar>> a,
                 Arg<ConstMatrix<ExecSpace, Scalar>> b, bool add, Matrix<ExecSpace, Scalar> c);
// "cblas" or "cublas", and the library's own word on what it is (version, kernels); empty where there is none.
[[nodiscard]] std::string vendor_library();

}  // namespace alignsweep::kernels

#define ALIGNSWEEP_INSTANTIATE_GEMM(NAME, E, S) \
    template void NAME<E, S>(E const&, Op, Op, ConstMatrix<E, S>, ConstMatrix<E, S>, bool, Matrix<E, S>);
#define ALIGNSWEEP_INSTANTIATE_PACKED(E, S)                                                                  \
    template Vector<E, S> pack_transposed<E, S>(E const&, ConstMatrix<E, S>);                                \
    template void gemm_packed<E, S>(E const&, ConstMatrix<E, S>, ConstMatrix<E, S>, ConstVector<E, S>, bool, \
                                    Matrix<E, S>);
