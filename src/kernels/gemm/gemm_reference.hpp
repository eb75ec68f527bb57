// SPDX-License-Identifier: Apache-2.0
// A team kernel for matrix products: what devices run, and the reference in tests.
#pragma once

#include "core/math.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/row.hpp"

namespace alignsweep::kernels {

// Each team computes a tile of 16 x 16 elements of c, by the rule of gemm.hpp.
template <class ExecSpace, class Scalar>
void gemm_reference(ExecSpace const& space, Op op_a, Op op_b, Arg<ConstMatrix<ExecSpace, Scalar>> a,
                    Arg<ConstMatrix<ExecSpace, Scalar>> b, bool add, Matrix<ExecSpace, Scalar> c) {
    constexpr int tile = 16;
    int const m = static_cast<int>(c.extent(0)), n = static_cast<int>(c.extent(1));
    int const k = static_cast<int>(op_a == Op::none ? a.extent(1) : a.extent(0));
    int const column_tiles = (n + tile - 1) / tile, row_tiles = (m + tile - 1) / tile;
    if (m == 0 || n == 0) { return; }
    bool const flip_a = op_a == Op::transpose, flip_b = op_b == Op::transpose;
    using Policy = Kokkos::TeamPolicy<ExecSpace>;
    int const threads = is_host<ExecSpace> ? 1 : team_size(space, tile);
    Kokkos::parallel_for(
        "alignsweep::kernels::gemm::reference",
        Policy(space, row_tiles * column_tiles, threads, is_host<ExecSpace> ? 1 : tile),
        KOKKOS_LAMBDA(typename Policy::member_type const& member) {
            int const row_0 = member.league_rank() / column_tiles * tile;
            int const column_0 = member.league_rank() % column_tiles * tile;
            Kokkos::parallel_for(Kokkos::TeamThreadRange(member, row_0, Kokkos::min(row_0 + tile, m)), [&](int i) {
                Kokkos::parallel_for(
                    Kokkos::ThreadVectorRange(member, column_0, Kokkos::min(column_0 + tile, n)), [&](int j) {
                        Scalar total = add ? c(i, j) : Scalar(0);
                        for (int first = 0; first < k; first += k_block) {
                            Scalar sum = 0;
                            for (int l = first; l < Kokkos::min(k, first + k_block); ++l) {
                                sum = core::math::fused(flip_a ? a(l, i) : a(i, l), flip_b ? b(j, l) : b(l, j), sum);
                            }
                            total = add || first > 0 ? total + sum : sum;
                        }
                        c(i, j) = total;
                    });
            });
        });
}

}  // namespace alignsweep::kernels
