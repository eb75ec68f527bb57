// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.hpp"
#include "support/device.hpp"

#include <algorithm>

namespace alignsweep::kernels {
namespace {

using test::Array;
using test::Exec;
using Numbers = std::vector<double>;

// Lengths at the edges of a group of lanes (16 floats, 8 doubles), packed one after the other.
test::Ints const edge_lengths{0, 1, 15, 16, 17, 33, 0, 8, 7, 9};

// A packed batch of sequences.
struct Batch {
    HeadShape shape;
    test::Ints lengths;

    [[nodiscard]] std::size_t rows() const {
        std::size_t sum = 0;
        for (std::int32_t const length : lengths) { sum += static_cast<std::size_t>(length); }
        return sum;
    }
    [[nodiscard]] std::size_t width() const { return static_cast<std::size_t>(shape.heads) * shape.head_dim; }
    [[nodiscard]] std::size_t qkv_width() const { return static_cast<std::size_t>(shape.qkv_width()); }
    [[nodiscard]] Numbers draw(double scale = 1.0) const {
        return test::normal_values(rows() * qkv_width(), "qkv", scale);
    }

    template <class Scalar>
    [[nodiscard]] TokenGroups<Exec> groups() const {
        int const width = query_lanes<Exec, Scalar>();
        test::Ints first, count, begin, end;
        std::int32_t at = 0;
        for (std::int32_t const length : lengths) {
            for (std::int32_t i = 0; i < length; i += width) {
                first.push_back(at + i);
                count.push_back(std::min(width, length - i));
                begin.push_back(at);
                end.push_back(at + length);
            }
            at += length;
        }
        return {test::to_indices(first), test::to_indices(count), test::to_indices(begin), test::to_indices(end),
                test::to_indices(test::Ints(first.size()))};
    }
};

struct Result {
    Array out, log_normaliser;
};

template <class Scalar>
Result forward(Batch const& batch, Numbers const& qkv) {
    test::Matrix<Scalar> const out("out", batch.rows(), batch.width());
    test::Matrix<Scalar> const log_normaliser("log_normaliser", batch.rows(), batch.shape.heads);
    attention_forward<Exec, Scalar>(Exec(), batch.shape, batch.groups<Scalar>(),
                                    test::to_matrix<Scalar>(qkv, batch.rows(), batch.qkv_width()), out, log_normaliser);
    return {test::to_array<Scalar>(out), test::to_array<Scalar>(log_normaliser)};
}

// By the definition, in double: one query at a time, the weights written out.
Result naive(Batch const& batch, Numbers const& qkv) {
    auto const dim = static_cast<std::size_t>(batch.shape.head_dim),
               heads = static_cast<std::size_t>(batch.shape.heads);
    auto const kv_heads = static_cast<std::size_t>(batch.shape.kv_heads), width = batch.qkv_width();
    Result result{{{batch.rows(), batch.width()}, Numbers(batch.rows() * batch.width())},
                  {{batch.rows(), heads}, Numbers(batch.rows() * heads)}};
    std::size_t begin = 0;
    for (std::int32_t const length : batch.lengths) {
        for (std::size_t n = begin; n < begin + static_cast<std::size_t>(length); ++n) {
            for (std::size_t h = 0; h < heads; ++h) {
                std::size_t const key = (heads + h / (heads / kv_heads)) * dim, value = key + kv_heads * dim;
                Numbers scores;
                for (std::size_t j = begin; j <= n; ++j) {
                    double score = 0.0;
                    for (std::size_t d = 0; d < dim; ++d) {
                        score += qkv[n * width + h * dim + d] * qkv[j * width + key + d];
                    }
                    scores.push_back(score / std::sqrt(static_cast<double>(dim)));
                }
                double const largest = *std::max_element(scores.begin(), scores.end());
                double sum = 0.0;
                for (double const score : scores) { sum += std::exp(score - largest); }
                result.log_normaliser.values[n * heads + h] = largest + std::log(sum);
                for (std::size_t j = begin; j <= n; ++j) {
                    double const weight = std::exp(scores[j - begin] - largest) / sum;
                    for (std::size_t d = 0; d < dim; ++d) {
                        result.out.values[n * batch.width() + h * dim + d] += weight * qkv[j * width + value + d];
                    }
                }
            }
        }
        begin += static_cast<std::size_t>(length);
    }
    return result;
}

template <class Scalar>
void forward_is_a_softmax() {
    for (HeadShape const shape : {HeadShape{1, 1, 2}, HeadShape{4, 2, 8}, HeadShape{6, 1, 5}, HeadShape{2, 2, 24},
                                  HeadShape{3, 3, 16}, HeadShape{2, 1, 64}, HeadShape{1, 1, 128}}) {
        Batch const batch{shape, edge_lengths};
        auto const qkv = batch.draw();
        auto const got = forward<Scalar>(batch, qkv), want = naive(batch, qkv);
        auto const tolerance = test::rounding<Scalar>(shape.head_dim + 33);
        EXPECT_TRUE(test::allclose(got.out, want.out, tolerance)) << "head dimension " << shape.head_dim;
        EXPECT_TRUE(test::allclose(got.log_normaliser, want.log_normaliser, tolerance)) << shape.head_dim;
    }
}

template <class Scalar>
void large_scores_stay_finite() {
    Batch const batch{{2, 1, 4}, {40, 3}};
    auto const qkv = batch.draw(30.0);  // scores of thousands: the softmax is nearly one-hot
    auto const got = forward<Scalar>(batch, qkv), want = naive(batch, qkv);
    double const tolerance = std::is_same_v<Scalar, float> ? 2e-3 : 1e-11;
    EXPECT_TRUE(test::allclose(got.out, want.out, {tolerance, 30 * tolerance}));
}

template <class Scalar>
void sequences_do_not_see_each_other() {
    Batch const both{{2, 2, 4}, {19, 21}};
    auto const qkv = both.draw();
    std::size_t const cut = 19;
    for (bool const second : {false, true}) {
        Batch const alone{both.shape, {second ? 21 : 19}};
        auto const middle = qkv.begin() + static_cast<std::ptrdiff_t>(cut * both.qkv_width());
        auto const got = forward<Scalar>(alone, second ? Numbers(middle, qkv.end()) : Numbers(qkv.begin(), middle));
        auto const whole = forward<Scalar>(both, qkv).out.values;
        auto const split = whole.begin() + static_cast<std::ptrdiff_t>(cut * both.width());
        EXPECT_EQ(got.out.values, second ? Numbers(split, whole.end()) : Numbers(whole.begin(), split));
    }
}

void gradient_agrees_with_finite_differences() {
    for (Batch const& batch : {Batch{{2, 1, 2}, {0, 1, 7, 8, 9, 17}}, Batch{{4, 2, 4}, {3, 10}}, Batch{{2, 1, 20}, {5}},
                               Batch{{1, 1, 128}, {2}}}) {
        auto const qkv = batch.draw();
        auto const c = test::normal_values(batch.rows() * batch.width(), "c");
        auto const result = forward<double>(batch, qkv);
        auto const gradient = test::to_matrix<double>(Numbers(qkv.size(), 99.0), batch.rows(), batch.qkv_width());
        attention_backward<Exec, double>(Exec(), batch.shape, batch.groups<double>(), batch.groups<double>(),
                                         test::to_matrix<double>(qkv, batch.rows(), batch.qkv_width()),
                                         test::to_matrix<double>(result.out.values, batch.rows(), batch.width()),
                                         test::to_matrix<double>(c, batch.rows(), batch.width()),
                                         test::to_matrix<double>(result.log_normaliser.values, batch.rows(),
                                                                 static_cast<std::size_t>(batch.shape.heads)),
                                         gradient);
        auto const want = test::numerical_gradient(
            qkv, [&](Numbers const& at) { return test::dot(forward<double>(batch, at).out.values, c); });
        EXPECT_LE(test::norm_error(test::to_array<double>(gradient).values, want), test::gradient_tolerance)
            << "head dimension " << batch.shape.head_dim;
    }
}

template <class Scalar>
void float_gradient_agrees_with_double() {
    Batch const batch{{4, 2, 16}, edge_lengths};
    auto const qkv = batch.draw(), c = test::normal_values(batch.rows() * batch.width(), "c");
    auto const backward = [&]<class S>(S) {
        auto const result = forward<S>(batch, qkv);
        test::Matrix<S> const gradient("gradient", batch.rows(), batch.qkv_width());
        attention_backward<Exec, S>(Exec(), batch.shape, batch.groups<S>(), batch.groups<S>(),
                                    test::to_matrix<S>(qkv, batch.rows(), batch.qkv_width()),
                                    test::to_matrix<S>(result.out.values, batch.rows(), batch.width()),
                                    test::to_matrix<S>(c, batch.rows(), batch.width()),
                                    test::to_matrix<S>(result.log_normaliser.values, batch.rows(), 4), gradient);
        return test::to_array<S>(gradient).values;
    };
    EXPECT_LE(test::norm_error(backward(Scalar()), backward(double())), 1e-6);
}

// One new token a row over a cache, in slots of another order, is the last row of the same sequence.
template <class Scalar>
void decode_is_the_last_row_of_forward() {
    constexpr int slots = 12, context = 40;
    for (HeadShape const shape :
         {HeadShape{1, 1, 2}, HeadShape{4, 2, 8}, HeadShape{6, 1, 5}, HeadShape{2, 2, 24}, HeadShape{1, 1, 128}}) {
        Batch const batch{shape, {1, 15, 16, 17, 33, 2}};
        auto const qkv = batch.draw();
        auto const device = test::to_matrix<Scalar>(qkv, batch.rows(), batch.qkv_width());
        int const kv_width = shape.kv_heads * shape.head_dim;
        using Storage = Kokkos::View<Scalar***, Kokkos::LayoutRight, Exec>;
        LayerCache<Exec, Scalar> const cache{Storage("keys", slots, kv_width, 2 * cached_multiple),
                                             Storage("values", slots, context, kv_width)};
        Kokkos::deep_copy(cache.keys, std::numeric_limits<Scalar>::quiet_NaN());  // what is not stored has no part
        Kokkos::deep_copy(cache.values, std::numeric_limits<Scalar>::quiet_NaN());
        test::Ints slot, position, last_slot, last_position;
        Numbers last_rows, want;
        auto const forward_out = forward<Scalar>(batch, qkv).out.values;
        std::size_t end = 0;
        for (std::size_t s = 0; s < batch.lengths.size(); ++s) {
            for (std::int32_t p = 0; p < batch.lengths[s]; ++p) {
                slot.push_back(static_cast<std::int32_t>(2 * (batch.lengths.size() - s) - 1));
                position.push_back(p);
            }
            end = slot.size();
            last_slot.push_back(slot.back());
            last_position.push_back(position.back());
            auto const row = [&](Numbers const& from, std::size_t width) {
                auto const at = from.begin() + static_cast<std::ptrdiff_t>((end - 1) * width);
                return Numbers(at, at + static_cast<std::ptrdiff_t>(width));
            };
            auto const last = row(qkv, batch.qkv_width()), out = row(forward_out, batch.width());
            last_rows.insert(last_rows.end(), last.begin(), last.end());
            want.insert(want.end(), out.begin(), out.end());
        }
        store_in_cache<Exec, Scalar>(Exec(), shape, test::to_indices(slot), test::to_indices(position), device, cache);
        test::Matrix<Scalar> const out("out", batch.lengths.size(), batch.width());
        attention_decode<Exec, Scalar>(Exec(), shape, test::to_indices(last_slot), test::to_indices(last_position),
                                       test::to_matrix<Scalar>(last_rows, batch.lengths.size(), batch.qkv_width()),
                                       cache, out);
        EXPECT_EQ(test::to_array<Scalar>(out).values, want) << "head dimension " << shape.head_dim;
    }
}

ALIGNSWEEP_TEST_SCALARS(Attention, ForwardIsASoftmax, forward_is_a_softmax)
ALIGNSWEEP_TEST_SCALARS(Attention, LargeScoresStayFinite, large_scores_stay_finite)
ALIGNSWEEP_TEST_SCALARS(Attention, SequencesDoNotSeeEachOther, sequences_do_not_see_each_other)
TEST(Attention, GradientAgreesWithFiniteDifferences) { gradient_agrees_with_finite_differences(); }
TEST(Attention, FloatGradientAgreesWithDouble) { float_gradient_agrees_with_double<float>(); }
ALIGNSWEEP_TEST_SCALARS(Attention, DecodeIsTheLastRowOfForward, decode_is_the_last_row_of_forward)

}  // namespace
}  // namespace alignsweep::kernels
