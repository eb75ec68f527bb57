// SPDX-License-Identifier: Apache-2.0
#include "kernels/adamw.hpp"

#include "core/math.hpp"

#include <cmath>

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void adamw(ExecSpace const& space, AdamwStep const& step, std::int64_t decayed,
           Arg<ConstVector<ExecSpace, Scalar>> gradient, Vector<ExecSpace, Scalar> parameters,
           Vector<ExecSpace, Scalar> first_moment, Vector<ExecSpace, Scalar> second_moment) {
    assert_views<1, 1, 1, 1>(space, gradient, parameters, first_moment, second_moment);
    auto const power = static_cast<double>(step.step);
    Scalar const scale = static_cast<Scalar>(step.gradient_scale);
    Scalar const b1 = static_cast<Scalar>(step.beta1), b2 = static_cast<Scalar>(step.beta2);
    Scalar const c1 = static_cast<Scalar>(1.0 - step.beta1), c2 = static_cast<Scalar>(1.0 - step.beta2);
    Scalar const rate = static_cast<Scalar>(step.learning_rate / (1.0 - core::math::pow(step.beta1, power)));
    Scalar const correction = static_cast<Scalar>(1.0 / std::sqrt(1.0 - core::math::pow(step.beta2, power)));
    Scalar const epsilon = static_cast<Scalar>(step.epsilon);
    Scalar const keep = static_cast<Scalar>(1.0 - step.learning_rate * step.weight_decay);
    Kokkos::parallel_for(
        "alignsweep::kernels::adamw", Kokkos::RangePolicy<ExecSpace>(space, 0, parameters.extent(0)),
        KOKKOS_LAMBDA(std::int64_t i) {
            Scalar const g = gradient(i) * scale;
            Scalar const m = b1 * first_moment(i) + c1 * g;
            Scalar const v = b2 * second_moment(i) + c2 * g * g;
            first_moment(i) = m;
            second_moment(i) = v;
            Scalar const decay = i < decayed ? keep : Scalar(1);
            parameters(i) = parameters(i) * decay - rate * m / (Kokkos::sqrt(v) * correction + epsilon);
        });
}

#define INSTANTIATE(E, S)                                                                                              \
    template void adamw<E, S>(E const&, AdamwStep const&, std::int64_t, ConstVector<E, S>, Vector<E, S>, Vector<E, S>, \
                              Vector<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
