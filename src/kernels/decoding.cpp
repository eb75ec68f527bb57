// SPDX-License-Identifier: Apache-2.0
#include "kernels/decoding.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
int append_tokens(ExecSpace const& space, std::int32_t end_token, DecodeRows<ExecSpace> const& rows,
                  Arg<ConstVector<ExecSpace, Scalar>> logprob, Answers<ExecSpace, Scalar> const& answers,
                  DecodeRows<ExecSpace> const& next) {
    assert_views<1, 1, 1, 1, 2, 2>(space, rows.slot, rows.token, logprob, answers.length, answers.tokens,
                                   answers.logprobs);
    // Each row counts those before it: a chunk has few, and a scan's atomics are not to be had everywhere.
    int left = 0;
    Kokkos::parallel_reduce(
        "alignsweep::kernels::append_tokens", Kokkos::RangePolicy<ExecSpace>(space, 0, rows.token.extent(0)),
        KOKKOS_LAMBDA(int n, int& going_on) {
            std::int32_t const token = rows.token(n), slot = rows.slot(n), made = rows.made(n);
            bool const goes_on = token != end_token;
            answers.tokens(slot, made) = token;
            answers.logprobs(slot, made) = logprob(n);
            answers.length(slot) = made + 1;
            answers.ended(slot) = goes_on ? 0 : 1;
            if (!goes_on) { return; }
            int before = 0;
            for (int m = 0; m < n; ++m) { before += rows.token(m) != end_token ? 1 : 0; }
            next.slot(before) = slot;
            next.row_id(before) = rows.row_id(n);
            next.position(before) = rows.position(n) + 1;
            next.made(before) = made + 1;
            next.token(before) = token;
            ++going_on;
        },
        left);
    return left;
}

#define INSTANTIATE(E, S)                                                                             \
    template int append_tokens<E, S>(E const&, std::int32_t, DecodeRows<E> const&, ConstVector<E, S>, \
                                     Answers<E, S> const&, DecodeRows<E> const&);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
