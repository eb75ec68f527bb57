// SPDX-License-Identifier: Apache-2.0
// Reductions whose order is a constant: blocks of fixed size, then the blocks in order. No atomics, no schedule.
#pragma once

#include "kernels/types.hpp"

#include <string>

namespace alignsweep::kernels {

inline constexpr int rows_per_block = 64;
inline constexpr int elements_per_block = 4096;

// sums[i] += sum over n < rows of term(n, i). Block b is the rows [starts[b], starts[b + 1]), or without `starts` the
// next rows_per_block.
template <class ExecSpace, class Scalar, class Term>
void add_column_sums(ExecSpace const& space, std::string const& label, int rows, Indices<ExecSpace> const& starts,
                     Vector<ExecSpace, Scalar> sums, Term const& term) {
    int const columns = static_cast<int>(sums.extent(0));
    bool const given = starts.extent(0) > 0;
    int const blocks = given ? static_cast<int>(starts.extent(0)) - 1 : (rows + rows_per_block - 1) / rows_per_block;
    if (blocks == 0) { return; }
    constexpr int width = lanes<ExecSpace, Scalar>;
    int const strips = (columns + width - 1) / width;
    Matrix<ExecSpace, Scalar> partial(Kokkos::view_alloc(space, Kokkos::WithoutInitializing, label + "::partial"),
                                      blocks, columns);
    Kokkos::parallel_for(
        label, Kokkos::RangePolicy<ExecSpace>(space, 0, blocks * strips), KOKKOS_LAMBDA(int item) {
            int const block = item / strips, first = (item % strips) * width;
            int const first_row = given ? starts(block) : block * rows_per_block;
            int const last_row = given ? starts(block + 1) : Kokkos::min(rows, first_row + rows_per_block);
            int const count = Kokkos::min(width, columns - first);
            Scalar total[width] = {};
            for (int n = first_row; n < last_row; ++n) {
                for (int l = 0; l < count; ++l) { total[l] += term(n, first + l); }
            }
            for (int l = 0; l < count; ++l) { partial(block, first + l) = total[l]; }
        });
    Kokkos::parallel_for(
        label + "::blocks", Kokkos::RangePolicy<ExecSpace>(space, 0, columns), KOKKOS_LAMBDA(int i) {
            Scalar total = 0;
            for (int block = 0; block < blocks; ++block) { total += partial(block, i); }
            sums(i) += total;
        });
}

// Sum of squares of a vector, in double.
template <class ExecSpace, class Scalar>
double sum_of_squares(ExecSpace const& space, Arg<ConstVector<ExecSpace, Scalar>> values);

// into[i] += from[i].
template <class ExecSpace, class Scalar>
void add(ExecSpace const& space, Arg<ConstVector<ExecSpace, Scalar>> from, Vector<ExecSpace, Scalar> into);

// into[i] = share * from[i] + (1 - share) * into[i], in double, rounded once.
template <class ExecSpace, class Scalar>
void blend(ExecSpace const& space, double share, Arg<ConstVector<ExecSpace, Scalar>> from,
           Vector<ExecSpace, Scalar> into);

}  // namespace alignsweep::kernels
