// SPDX-License-Identifier: Apache-2.0
#include "kernels/rmsnorm.hpp"

#include "kernels/reduce.hpp"
#include "kernels/row.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void rmsnorm_forward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> x,
                     Arg<ConstVector<ExecSpace, Scalar>> weight, double eps, Matrix<ExecSpace, Scalar> out,
                     Vector<ExecSpace, Scalar> inv_rms) {
    assert_views<2, 2, 1, 1>(space, x, out, weight, inv_rms);
    int const width = static_cast<int>(x.extent(1));
    for_each_row(
        space, "alignsweep::kernels::rmsnorm::forward", static_cast<int>(x.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const in = &x(n, 0);
            Scalar const* const w = weight.data();
            Scalar* const y = &out(n, 0);
            Scalar const squares = row.template sum<Scalar>(width, [&](int i) { return in[i] * in[i]; });
            Scalar const inv = Scalar(1) / Kokkos::sqrt(squares / Scalar(width) + Scalar(eps));
            row.each(width, [&](int i) { y[i] = in[i] * inv * w[i]; });
            row.once([&] { inv_rms(n) = inv; });
        });
}

template <class ExecSpace, class Scalar>
void rmsnorm_backward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> dout,
                      Arg<ConstMatrix<ExecSpace, Scalar>> x, Arg<ConstVector<ExecSpace, Scalar>> weight,
                      Arg<ConstVector<ExecSpace, Scalar>> inv_rms, Matrix<ExecSpace, Scalar> dx,
                      Arg<Indices<ExecSpace>> blocks, Vector<ExecSpace, Scalar> dweight) {
    assert_views<2, 2, 2, 1, 1, 1, 1>(space, dout, x, dx, weight, inv_rms, blocks, dweight);
    int const width = static_cast<int>(x.extent(1));
    for_each_row(
        space, "alignsweep::kernels::rmsnorm::backward", static_cast<int>(x.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const in = &x(n, 0);
            Scalar const* const w = weight.data();
            Scalar const* const dy = &dout(n, 0);
            Scalar* const d = &dx(n, 0);
            Scalar const inv = inv_rms(n);
            Scalar const along = row.template sum<Scalar>(width, [&](int i) { return w[i] * dy[i] * in[i]; });
            Scalar const back = along * inv * inv * inv / Scalar(width);
            row.each(width, [&](int i) { d[i] += inv * w[i] * dy[i] - back * in[i]; });
        });
    add_column_sums(
        space, "alignsweep::kernels::rmsnorm::weight_gradient", static_cast<int>(x.extent(0)), blocks, dweight,
        KOKKOS_LAMBDA(int n, int i) { return dout(n, i) * x(n, i) * inv_rms(n); });
}

#define INSTANTIATE(E, S)                                                                                     \
    template void rmsnorm_forward<E, S>(E const&, ConstMatrix<E, S>, ConstVector<E, S>, double, Matrix<E, S>, \
                                        Vector<E, S>);                                                        \
    template void rmsnorm_backward<E, S>(E const&, ConstMatrix<E, S>, ConstMatrix<E, S>, ConstVector<E, S>,   \
                                         ConstVector<E, S>, Matrix<E, S>, Indices<E>, Vector<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
