// SPDX-License-Identifier: Apache-2.0
#include "kernels/decoding.hpp"

#include "support/device.hpp"

namespace alignsweep::kernels {
namespace {

using test::Exec;
using test::Ints;
using Numbers = std::vector<double>;

DecodeRows<Exec> rows_of(Ints const& slot, Ints const& row_id, Ints const& position, Ints const& made,
                         Ints const& token) {
    auto const device = [](Ints const& host) {
        test::Vector<std::int32_t> const view("alignsweep::test::rows", host.size());
        Kokkos::deep_copy(view, test::to_indices(host));
        return view;
    };
    return {device(slot), device(row_id), device(position), device(made), device(token)};
}

// Four rows of five slots, the second and the last of which end.
template <class Scalar>
void rows_that_end_leave() {
    auto const rows = rows_of({0, 1, 3, 4}, {10, 11, 13, 14}, {5, 6, 7, 8}, {2, 0, 1, 2}, {7, 9, 8, 9});
    auto const next = rows_of(Ints(4, -1), Ints(4, -1), Ints(4, -1), Ints(4, -1), Ints(4, -1));
    Answers<Exec, Scalar> const answers{test::Matrix<std::int32_t>("alignsweep::test::tokens", 5, 3),
                                        test::Matrix<Scalar>("alignsweep::test::logprobs", 5, 3),
                                        test::Vector<std::int32_t>("alignsweep::test::length", 5),
                                        test::Vector<std::int32_t>("alignsweep::test::ended", 5)};
    auto const logprob = test::to_vector<Scalar>({-1.0, -2.0, -3.0, -4.0});
    ASSERT_EQ((append_tokens<Exec, Scalar>(Exec(), 9, rows, logprob, answers, next)), 2);
    EXPECT_EQ(test::to_std<std::int32_t>(next.slot), (Ints{0, 3, -1, -1}));
    EXPECT_EQ(test::to_std<std::int32_t>(next.row_id), (Ints{10, 13, -1, -1}));
    EXPECT_EQ(test::to_std<std::int32_t>(next.position), (Ints{6, 8, -1, -1}));
    EXPECT_EQ(test::to_std<std::int32_t>(next.made), (Ints{3, 2, -1, -1}));
    EXPECT_EQ(test::to_std<std::int32_t>(next.token), (Ints{7, 8, -1, -1}));
    EXPECT_EQ(test::to_std<std::int32_t>(answers.length), (Ints{3, 1, 0, 2, 3}));
    EXPECT_EQ(test::to_std<std::int32_t>(answers.ended), (Ints{0, 1, 0, 0, 1}));
    EXPECT_EQ(test::to_array<std::int32_t>(answers.tokens).values,
              (Numbers{0, 0, 7, 9, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 9}));
    EXPECT_EQ(test::to_array<Scalar>(answers.logprobs).values,
              (Numbers{0, 0, -1, -2, 0, 0, 0, 0, 0, 0, -3, 0, 0, 0, -4}));
}

// As many rows as several blocks of a scan: their order stays.
template <class Scalar>
void many_rows_keep_their_order() {
    for (std::size_t const count : {std::size_t(0), std::size_t(1), std::size_t(1000)}) {
        Ints slot(count), token(count), kept;
        for (std::size_t i = 0; i < count; ++i) {
            slot[i] = static_cast<std::int32_t>(i);
            token[i] = static_cast<std::int32_t>(i * 7 % 3);
            if (token[i] != 1) { kept.push_back(slot[i]); }
        }
        Ints const zeros(count, 0);
        auto const rows = rows_of(slot, slot, zeros, zeros, token), next = rows_of(zeros, zeros, zeros, zeros, zeros);
        Answers<Exec, Scalar> const answers{test::Matrix<std::int32_t>("alignsweep::test::tokens", count, 1),
                                            test::Matrix<Scalar>("alignsweep::test::logprobs", count, 1),
                                            test::Vector<std::int32_t>("alignsweep::test::length", count),
                                            test::Vector<std::int32_t>("alignsweep::test::ended", count)};
        auto const logprob = test::to_vector<Scalar>(Numbers(count, -1.0));
        int const left = append_tokens<Exec, Scalar>(Exec(), 1, rows, logprob, answers, next);
        auto goes_on = test::to_std<std::int32_t>(next.row_id);
        goes_on.resize(static_cast<std::size_t>(left));
        EXPECT_EQ(goes_on, kept);
    }
}

ALIGNSWEEP_TEST_SCALARS(Decoding, RowsThatEndLeave, rows_that_end_leave)
ALIGNSWEEP_TEST_SCALARS(Decoding, ManyRowsKeepTheirOrder, many_rows_keep_their_order)

}  // namespace
}  // namespace alignsweep::kernels
