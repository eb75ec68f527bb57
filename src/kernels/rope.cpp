// SPDX-License-Identifier: Apache-2.0
#include "kernels/rope.hpp"

#include "core/math.hpp"
#include "kernels/row.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
RopeTable<ExecSpace, Scalar> make_rope_table(ExecSpace const& space, int positions, int head_dim, double theta) {
    int const half = head_dim / 2;
    RopeTable<ExecSpace, Scalar> table;
    table.cos = Matrix<ExecSpace, Scalar>(
        Kokkos::view_alloc(space, Kokkos::WithoutInitializing, "alignsweep::kernels::rope::cos"), positions, half);
    table.sin = Matrix<ExecSpace, Scalar>(
        Kokkos::view_alloc(space, Kokkos::WithoutInitializing, "alignsweep::kernels::rope::sin"), positions, half);
    auto cos = Kokkos::create_mirror_view(table.cos);
    auto sin = Kokkos::create_mirror_view(table.sin);
    for (int i = 0; i < half; ++i) {
        double const frequency = core::math::pow(theta, -2.0 * i / head_dim);
        for (int p = 0; p < positions; ++p) {
            cos(p, i) = static_cast<Scalar>(core::math::cos(p * frequency));
            sin(p, i) = static_cast<Scalar>(core::math::sin(p * frequency));
        }
    }
    Kokkos::deep_copy(space, table.cos, cos);
    Kokkos::deep_copy(space, table.sin, sin);
    space.fence("alignsweep::kernels::rope: the table has come from the host");
    return table;
}

template <class ExecSpace, class Scalar>
void rope(ExecSpace const& space, RopeTable<ExecSpace, Scalar> const& table, Arg<Indices<ExecSpace>> positions,
          int heads, bool inverse, Matrix<ExecSpace, Scalar> x) {
    assert_views<2, 2, 2, 1>(space, table.cos, table.sin, x, positions);
    auto const cos_table = table.cos, sin_table = table.sin;
    int const half = static_cast<int>(cos_table.extent(1));
    Scalar const sign = inverse ? Scalar(-1) : Scalar(1);
    for_each_row(
        space, "alignsweep::kernels::rope", static_cast<int>(x.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const cos = &cos_table(positions(n), 0);
            Scalar const* const sin = &sin_table(positions(n), 0);
            Scalar* const head_0 = &x(n, 0);
            for (int h = 0; h < heads; ++h) {
                Scalar* const first = head_0 + 2 * half * h;
                Scalar* const second = first + half;
                row.each(half, [&](int i) {
                    Scalar const a = first[i], b = second[i];
                    first[i] = a * cos[i] - sign * b * sin[i];
                    second[i] = b * cos[i] + sign * a * sin[i];
                });
            }
        });
}

#define INSTANTIATE(E, S)                                                       \
    template RopeTable<E, S> make_rope_table<E, S>(E const&, int, int, double); \
    template void rope<E, S>(E const&, RopeTable<E, S> const&, Indices<E>, int, bool, Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
