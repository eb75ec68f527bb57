// SPDX-License-Identifier: Apache-2.0
// Tiles of fixed size, each one single-threaded BLAS call: OpenBLAS gives a product other last bits when it is cut
// another way, so the cut is a constant and never follows the number of threads.
#include "kernels/gemm/gemm.hpp"

#include <cblas.h>

#include <algorithm>
#include <cstdlib>
#include <string>

// OpenBLAS chooses its kernels in the first of these when it is loaded. Weak: a build for one processor has neither.
extern "C" {
[[gnu::weak]] void gotoblas_dynamic_init();
[[gnu::weak]] void gotoblas_dynamic_quit();
}

namespace alignsweep::kernels {

namespace {

constexpr int row_tile = 256;      // rows of c in a forward product (rows are tokens)
constexpr int gradient_tile = 64;  // rows of c in a weight gradient (rows are weights, k runs over the tokens)

CBLAS_TRANSPOSE flag(Op op) { return op == Op::none ? CblasNoTrans : CblasTrans; }

void call(Op op_a, Op op_b, int m, int n, int k, float const* a, int lda, float const* b, int ldb, float beta, float* c,
          int ldc) {
    cblas_sgemm(CblasRowMajor, flag(op_a), flag(op_b), m, n, k, 1.0f, a, lda, b, ldb, beta, c, ldc);
}
void call(Op op_a, Op op_b, int m, int n, int k, double const* a, int lda, double const* b, int ldb, double beta,
          double* c, int ldc) {
    cblas_dgemm(CblasRowMajor, flag(op_a), flag(op_b), m, n, k, 1.0, a, lda, b, ldb, beta, c, ldc);
}

// OpenBLAS runs its oldest x86 kernels ("Prescott") on a processor younger than itself, at a quarter of the speed:
// 0.3.21 on Intel's of 2023 gives 30 GF/s a core instead of 125. Chooses again, by what the processor can do.
void use_kernels_of_this_processor() {
#ifdef __x86_64__
    bool const unknown = std::string(openblas_get_corename()) == "Prescott" && __builtin_cpu_supports("avx2");
    if (!unknown || !gotoblas_dynamic_init || !gotoblas_dynamic_quit || std::getenv("OPENBLAS_CORETYPE")) { return; }
    bool const wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    setenv("OPENBLAS_CORETYPE", wide ? "SkylakeX" : "Haswell", 0);
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
#endif
}

// The pthread build starts threads of its own unless told otherwise. The openmp build must be left alone: there the
// same call would set OpenMP's own limit, and it is serial inside a parallel region anyway.
void prepare_blas() {
    static bool const done = [] {
        use_kernels_of_this_processor();
        if (openblas_get_parallel() == OPENBLAS_THREAD) { openblas_set_num_threads(1); }
        return true;
    }();
    static_cast<void>(done);
}

}  // namespace

template <class ExecSpace, class Scalar>
void vendor_gemm(ExecSpace const& space, Op op_a, Op op_b, Arg<ConstMatrix<ExecSpace, Scalar>> a,
                 Arg<ConstMatrix<ExecSpace, Scalar>> b, bool add, Matrix<ExecSpace, Scalar> c) {
    assert_views<2, 2, 2>(space, a, b, c);
    static_assert(is_host<ExecSpace>, "CBLAS multiplies in host memory");
    int const m = static_cast<int>(c.extent(0)), n = static_cast<int>(c.extent(1));
    int const k = static_cast<int>(op_a == Op::none ? a.extent(1) : a.extent(0));
    if (m == 0 || n == 0) { return; }
    prepare_blas();
    int const lda = std::max<int>(1, static_cast<int>(a.stride(0)));
    int const ldb = std::max<int>(1, static_cast<int>(b.stride(0)));
    int const ldc = std::max<int>(1, static_cast<int>(c.stride(0)));
    int const tile = op_a == Op::none ? row_tile : gradient_tile;
    int const tiles = (m + tile - 1) / tile;
    Scalar const* const a_0 = a.data();
    Scalar const* const b_0 = b.data();
    Scalar* const c_0 = c.data();
    Scalar const beta = add ? Scalar(1) : Scalar(0);
    Kokkos::parallel_for("alignsweep::kernels::gemm::tiles",
                         Kokkos::RangePolicy<ExecSpace, Kokkos::Schedule<Kokkos::Static>>(space, 0, tiles), [=](int t) {
                             int const first = t * tile, rows = std::min(tile, m - first);
                             Scalar const* const part = a_0 + (op_a == Op::none ? std::ptrdiff_t(first) * lda : first);
                             call(op_a, op_b, rows, n, k, part, lda, b_0, ldb, beta, c_0 + std::ptrdiff_t(first) * ldc,
                                  ldc);
                         });
}

std::string vendor_library() {
    prepare_blas();
    return std::string("cblas ") + openblas_get_config() + " " + openblas_get_corename();
}

#define INSTANTIATE(E, S) ALIGNSWEEP_INSTANTIATE_GEMM(vendor_gemm, E, S)
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
