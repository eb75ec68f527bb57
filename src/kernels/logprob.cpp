// SPDX-License-Identifier: Apache-2.0
#include "kernels/logprob.hpp"

#include "core/math.hpp"
#include "kernels/row.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void logprob_forward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> logits, Arg<Indices<ExecSpace>> target,
                     double temperature, Vector<ExecSpace, Scalar> logprob, Vector<ExecSpace, Scalar> entropy,
                     Vector<ExecSpace, Scalar> log_normaliser) {
    assert_views<2, 1, 1, 1, 1>(space, logits, target, logprob, entropy, log_normaliser);
    int const vocabulary = static_cast<int>(logits.extent(1));
    Scalar const inverse = static_cast<Scalar>(1.0 / temperature);
    for_each_row(
        space, "alignsweep::kernels::logprob::forward", static_cast<int>(logits.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const z = &logits(n, 0);
            Scalar const largest = row.template max<Scalar>(vocabulary, [&](int v) { return z[v]; });
            auto const shifted = [&](int v) { return (z[v] - largest) * inverse; };
            auto const sums = row.template weighted_sums<Scalar>(
                vocabulary, [&](int v) { return core::math::exp(shifted(v)); }, shifted);
            Scalar const log_sum = core::math::log(sums.first);
            row.once([&] {
                log_normaliser(n) = largest * inverse + log_sum;
                logprob(n) = shifted(target(n)) - log_sum;
                entropy(n) = log_sum - sums.second / sums.first;
            });
        });
}

template <class ExecSpace, class Scalar>
void logprob_backward(ExecSpace const& space, Arg<Indices<ExecSpace>> target, double temperature,
                      Arg<ConstVector<ExecSpace, Scalar>> entropy, Arg<ConstVector<ExecSpace, Scalar>> log_normaliser,
                      Arg<ConstVector<ExecSpace, Scalar>> dlogprob, Arg<ConstVector<ExecSpace, Scalar>> dentropy,
                      Matrix<ExecSpace, Scalar> logits) {
    assert_views<2, 1, 1, 1, 1, 1>(space, logits, target, entropy, log_normaliser, dlogprob, dentropy);
    int const vocabulary = static_cast<int>(logits.extent(1));
    Scalar const inverse = static_cast<Scalar>(1.0 / temperature);
    for_each_row(
        space, "alignsweep::kernels::logprob::backward", static_cast<int>(logits.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar* const z = &logits(n, 0);
            Scalar const shift = log_normaliser(n), h = entropy(n), dl = dlogprob(n), dh = dentropy(n);
            row.each(vocabulary, [&](int v) {
                Scalar const log_p = z[v] * inverse - shift;
                z[v] = -inverse * core::math::exp(log_p) * (dl + dh * (log_p + h));
            });
            row.once([&] { z[target(n)] += inverse * dl; });
        });
}

#define INSTANTIATE(E, S)                                                                                            \
    template void logprob_forward<E, S>(E const&, ConstMatrix<E, S>, Indices<E>, double, Vector<E, S>, Vector<E, S>, \
                                        Vector<E, S>);                                                               \
    template void logprob_backward<E, S>(E const&, Indices<E>, double, ConstVector<E, S>, ConstVector<E, S>,         \
                                         ConstVector<E, S>, ConstVector<E, S>, Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
