// SPDX-License-Identifier: Apache-2.0
#include "kernels/swiglu.hpp"

#include "core/math.hpp"
#include "kernels/row.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void swiglu_forward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> gate_up,
                    Matrix<ExecSpace, Scalar> out) {
    assert_views<2, 2>(space, gate_up, out);
    int const width = static_cast<int>(out.extent(1));
    for_each_row(
        space, "alignsweep::kernels::swiglu::forward", static_cast<int>(out.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const gate = &gate_up(n, 0);
            Scalar const* const up = gate + width;
            Scalar* const y = &out(n, 0);
            row.each(width, [&](int i) { y[i] = gate[i] * core::math::sigmoid(gate[i]) * up[i]; });
        });
}

template <class ExecSpace, class Scalar>
void swiglu_backward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> dout,
                     Arg<ConstMatrix<ExecSpace, Scalar>> gate_up, Matrix<ExecSpace, Scalar> dgate_up) {
    assert_views<2, 2, 2>(space, dout, gate_up, dgate_up);
    int const width = static_cast<int>(dout.extent(1));
    for_each_row(
        space, "alignsweep::kernels::swiglu::backward", static_cast<int>(dout.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const gate = &gate_up(n, 0);
            Scalar const* const up = gate + width;
            Scalar const* const dy = &dout(n, 0);
            Scalar* const dgate = &dgate_up(n, 0);
            Scalar* const dup = dgate + width;
            row.each(width, [&](int i) {
                Scalar const s = core::math::sigmoid(gate[i]);
                dgate[i] = dy[i] * up[i] * s * (Scalar(1) + gate[i] * (Scalar(1) - s));
                dup[i] = dy[i] * gate[i] * s;
            });
        });
}

#define INSTANTIATE(E, S)                                                          \
    template void swiglu_forward<E, S>(E const&, ConstMatrix<E, S>, Matrix<E, S>); \
    template void swiglu_backward<E, S>(E const&, ConstMatrix<E, S>, ConstMatrix<E, S>, Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
