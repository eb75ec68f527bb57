// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm.hpp"

#include <cublas_v2.h>

#include <map>
#include <string>

namespace alignsweep::kernels {

namespace {

void require(cublasStatus_t status) {
    if (status != CUBLAS_STATUS_SUCCESS) { Kokkos::abort("cuBLAS failed"); }
}

// One handle a stream, made at its first product. Pedantic math: no TF32, and one fixed algorithm a shape.
cublasHandle_t handle_for(cudaStream_t stream) {
    static std::map<cudaStream_t, cublasHandle_t> handles;
    cublasHandle_t& handle = handles[stream];
    if (handle == nullptr) {
        require(cublasCreate(&handle));
        require(cublasSetStream(handle, stream));
        require(cublasSetMathMode(handle, CUBLAS_PEDANTIC_MATH));
        require(cublasSetAtomicsMode(handle, CUBLAS_ATOMICS_NOT_ALLOWED));
    }
    return handle;
}

cublasStatus_t call(cublasHandle_t handle, cublasOperation_t a, cublasOperation_t b, int m, int n, int k,
                    float const* alpha, float const* left, int lda, float const* right, int ldb, float const* beta,
                    float* c, int ldc) {
    return cublasSgemm(handle, a, b, m, n, k, alpha, left, lda, right, ldb, beta, c, ldc);
}
cublasStatus_t call(cublasHandle_t handle, cublasOperation_t a, cublasOperation_t b, int m, int n, int k,
                    double const* alpha, double const* left, int lda, double const* right, int ldb, double const* beta,
                    double* c, int ldc) {
    return cublasDgemm(handle, a, b, m, n, k, alpha, left, lda, right, ldb, beta, c, ldc);
}

cublasOperation_t flag(Op op) { return op == Op::none ? CUBLAS_OP_N : CUBLAS_OP_T; }

}  // namespace

template <class ExecSpace, class Scalar>
void vendor_gemm(ExecSpace const& space, Op op_a, Op op_b, Arg<ConstMatrix<ExecSpace, Scalar>> a,
                 Arg<ConstMatrix<ExecSpace, Scalar>> b, bool add, Matrix<ExecSpace, Scalar> c) {
    assert_views<2, 2, 2>(space, a, b, c);
    int const m = static_cast<int>(c.extent(0)), n = static_cast<int>(c.extent(1));
    int const k = static_cast<int>(op_a == Op::none ? a.extent(1) : a.extent(0));
    if (m == 0 || n == 0) { return; }
    Scalar const alpha = 1, beta = add ? Scalar(1) : Scalar(0);
    // cuBLAS is column-major: a row-major product is that of the transposes in the other order.
    require(call(handle_for(space.cuda_stream()), flag(op_b), flag(op_a), n, m, k, &alpha, b.data(),
                 static_cast<int>(b.stride(0)), a.data(), static_cast<int>(a.stride(0)), &beta, c.data(),
                 static_cast<int>(c.stride(0))));
}

std::string vendor_library() {
    return "cublas " + std::to_string(CUBLAS_VER_MAJOR) + "." + std::to_string(CUBLAS_VER_MINOR);
}

#define INSTANTIATE(E, S) ALIGNSWEEP_INSTANTIATE_GEMM(vendor_gemm, E, S)
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
