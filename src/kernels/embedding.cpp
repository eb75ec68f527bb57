// SPDX-License-Identifier: Apache-2.0
#include "kernels/embedding.hpp"

#include "kernels/row.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void gather_rows(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> table, Arg<Indices<ExecSpace>> index,
                 Matrix<ExecSpace, Scalar> out) {
    assert_views<2, 2, 1>(space, table, out, index);
    int const width = static_cast<int>(out.extent(1));
    for_each_row(
        space, "alignsweep::kernels::gather_rows", static_cast<int>(out.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const from = &table(index(n), 0);
            Scalar* const to = &out(n, 0);
            row.each(width, [&](int i) { to[i] = from[i]; });
        });
}

template <class ExecSpace, class Scalar>
void embedding_backward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> dout,
                        RowsByToken<ExecSpace> const& by_token, Matrix<ExecSpace, Scalar> dtable) {
    assert_views<2, 2, 1, 1, 1>(space, dout, dtable, by_token.unique, by_token.starts, by_token.rows);
    int const width = static_cast<int>(dout.extent(1));
    auto const unique = by_token.unique, starts = by_token.starts, rows = by_token.rows;
    for_each_row(
        space, "alignsweep::kernels::embedding::backward", static_cast<int>(unique.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int u) {
            Scalar* const to = &dtable(unique(u), 0);
            for (int k = starts(u); k < starts(u + 1); ++k) {
                Scalar const* const from = &dout(rows(k), 0);
                row.each(width, [&](int i) { to[i] += from[i]; });
            }
        });
}

template <class ExecSpace, class Scalar>
void scatter_add_rows(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> in, Arg<Indices<ExecSpace>> index,
                      Matrix<ExecSpace, Scalar> out) {
    assert_views<2, 2, 1>(space, in, out, index);
    int const width = static_cast<int>(out.extent(1));
    for_each_row(
        space, "alignsweep::kernels::scatter_add_rows", static_cast<int>(in.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const from = &in(n, 0);
            Scalar* const to = &out(index(n), 0);
            row.each(width, [&](int i) { to[i] += from[i]; });
        });
}

#define INSTANTIATE(E, S)                                                                                     \
    template void gather_rows<E, S>(E const&, ConstMatrix<E, S>, Indices<E>, Matrix<E, S>);                   \
    template void embedding_backward<E, S>(E const&, ConstMatrix<E, S>, RowsByToken<E> const&, Matrix<E, S>); \
    template void scatter_add_rows<E, S>(E const&, ConstMatrix<E, S>, Indices<E>, Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
