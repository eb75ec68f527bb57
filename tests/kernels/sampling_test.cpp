// SPDX-License-Identifier: Apache-2.0
#include "kernels/sampling.hpp"
#include "kernels/logprob.hpp"
#include "support/device.hpp"

#include <algorithm>
#include <numeric>

namespace alignsweep::kernels {
namespace {

using test::Exec;
using Numbers = std::vector<double>;

struct Drawn {
    test::Ints tokens;
    Numbers logprobs;
};

core::RandomStream stream() { return {7, "test/sampling"}; }

// Draws one token for each row of logits.
template <class Scalar>
Drawn draw(SamplingRule const& rule, std::vector<Numbers> const& logits, test::Ints const& row_id,
           test::Ints const& position, std::uint32_t step = 0) {
    Numbers flat;
    for (Numbers const& row : logits) { flat.insert(flat.end(), row.begin(), row.end()); }
    test::Vector<std::int32_t> const token("token", logits.size());
    test::Vector<Scalar> const logprob("logprob", logits.size());
    sample_tokens<Exec, Scalar>(Exec(), rule, stream(), step, test::to_indices(row_id), test::to_indices(position),
                                test::to_matrix<Scalar>(flat, logits.size(), logits.at(0).size()), token, logprob);
    return {test::to_std(token), test::to_doubles<Scalar>(logprob)};
}

// `count` draws from one row of logits.
template <class Scalar>
Drawn draw_many(SamplingRule const& rule, Numbers const& logits, std::size_t count) {
    test::Ints ids(count);
    std::iota(ids.begin(), ids.end(), 0);
    return draw<Scalar>(rule, std::vector<Numbers>(count, logits), ids, test::Ints(count, 3));
}

Numbers softmax(Numbers logits, double temperature) {
    double const largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0.0;
    for (double& z : logits) { sum += z = std::exp((z - largest) / temperature); }
    for (double& z : logits) { z /= sum; }
    return logits;
}

// Draws often; every token's frequency must be within four standard deviations of its share of the admitted mass.
template <class Scalar>
void check_frequencies(SamplingRule const& rule, Numbers const& logits, std::vector<bool> const& admitted) {
    constexpr std::size_t count = 20000;
    Numbers const full = softmax(logits, rule.temperature);
    double mass = 0.0;
    for (std::size_t v = 0; v < full.size(); ++v) { mass += admitted[v] ? full[v] : 0.0; }
    auto const drawn = draw_many<Scalar>(rule, logits, count);
    Numbers counts(logits.size());
    for (std::size_t i = 0; i < count; ++i) {
        auto const token = static_cast<std::size_t>(drawn.tokens[i]);
        ASSERT_LT(token, logits.size());
        counts[token] += 1.0;
        // Of the whole softmax, before top-k and top-p.
        ASSERT_NEAR(drawn.logprobs[i], std::log(full[token]), test::rounding<Scalar>().absolute * 4.0);
    }
    for (std::size_t v = 0; v < logits.size(); ++v) {
        double const p = admitted[v] ? full[v] / mass : 0.0;
        EXPECT_NEAR(counts[v] / count, p, 4.0 * std::sqrt(p * (1.0 - p) / count)) << "token " << v;
    }
}

std::vector<bool> all(std::size_t size) { return std::vector<bool>(size, true); }

template <class Scalar>
void frequencies_follow_the_softmax() {
    Numbers const logits{0.5, -1.0, 2.0, 0.0, 2.0, -30.0, 1.0};
    for (double const temperature : {1.0, 0.5, 3.0}) {
        check_frequencies<Scalar>({.temperature = temperature}, logits, all(logits.size()));
    }
    check_frequencies<Scalar>({}, {1000.0, 1001.0, 999.0}, all(3));  // no overflow, no digit lost
    check_frequencies<Scalar>({}, {5.0}, all(1));
}

template <class Scalar>
void zero_temperature_takes_the_first_of_the_largest() {
    auto const drawn =
        draw<Scalar>({.temperature = 0.0, .top_k = 2, .top_p = 0.1},
                     {{1.0, 3.0, 3.0, 0.0}, {2.0, 2.0, 2.0, 2.0}, {-5.0, -7.0, -6.0, -4.0}}, {0, 1, 2}, {0, 0, 0});
    EXPECT_EQ(drawn.tokens, (test::Ints{1, 0, 3}));
    EXPECT_NEAR(drawn.logprobs[0], std::log(softmax({1.0, 3.0, 3.0, 0.0}, 1.0)[1]), 1e-6);  // that of T = 1
    EXPECT_NEAR(drawn.logprobs[1], std::log(0.25), 1e-6);
}

template <class Scalar>
void top_k_keeps_the_most_probable() {
    Numbers const logits{0.5, -1.0, 2.0, 0.0, 1.5, -30.0, 1.0};
    check_frequencies<Scalar>({.top_k = 1}, logits, {false, false, true, false, false, false, false});
    check_frequencies<Scalar>({.top_k = 3}, logits, {false, false, true, false, true, false, true});
    check_frequencies<Scalar>({.temperature = 2.0, .top_k = 3}, logits, {false, false, true, false, true, false, true});
    check_frequencies<Scalar>({.top_k = 7}, logits, all(7));
    check_frequencies<Scalar>({.top_k = 100}, logits, all(7));
    check_frequencies<Scalar>({.top_k = 2}, {1.0, 2.0, 1.0, 0.0, 1.0}, {true, true, true, false, true});  // ties stay
    check_frequencies<Scalar>({.top_k = 1}, {1.0, 1.0, 0.0}, {true, true, false});
}

template <class Scalar>
void top_p_keeps_the_smallest_set_that_reaches_it() {
    Numbers const logits{std::log(0.1), std::log(0.5), std::log(0.25), std::log(0.15)};
    check_frequencies<Scalar>({.top_p = 0.4}, logits, {false, true, false, false});
    check_frequencies<Scalar>({.top_p = 0.6}, logits, {false, true, true, false});
    check_frequencies<Scalar>({.top_p = 0.8}, logits, {false, true, true, true});
    check_frequencies<Scalar>({.top_p = 0.99}, logits, all(4));
    check_frequencies<Scalar>({.top_p = 1e-6}, logits, {false, true, false, false});
    check_frequencies<Scalar>({.top_p = 0.3}, {1.0, 1.0, 0.0}, {true, true, false});  // ties stay
    // Of what top-k leaves (0.5 and 0.25), the first alone has two thirds.
    check_frequencies<Scalar>({.top_k = 2, .top_p = 0.6}, logits, {false, true, false, false});
    check_frequencies<Scalar>({.top_k = 2, .top_p = 0.7}, logits, {false, true, true, false});
}

// A row's token is named by its id, position and step, whatever stands beside it.
template <class Scalar>
void rows_do_not_depend_on_their_batch() {
    constexpr std::size_t rows = 50, vocabulary = 23;
    std::vector<Numbers> logits;
    test::Ints ids, positions;
    for (std::size_t n = 0; n < rows; ++n) {
        logits.push_back(test::normal_values(vocabulary, "row" + std::to_string(n)));
        ids.push_back(static_cast<std::int32_t>(100 + 3 * n));
        positions.push_back(static_cast<std::int32_t>(n % 4));
    }
    SamplingRule const rule{.temperature = 1.3, .top_k = 9, .top_p = 0.9};
    auto const together = draw<Scalar>(rule, logits, ids, positions, 5);
    auto const other_step = draw<Scalar>(rule, logits, ids, positions, 6);
    EXPECT_NE(together.tokens, other_step.tokens);
    for (std::size_t n = 0; n < rows; ++n) {
        auto const alone = draw<Scalar>(rule, {logits[n]}, {ids[n]}, {positions[n]}, 5);
        EXPECT_EQ(alone.tokens[0], together.tokens[n]);
        EXPECT_EQ(alone.logprobs[0], together.logprobs[n]);
    }
    std::reverse(logits.begin(), logits.end());
    std::reverse(ids.begin(), ids.end());
    std::reverse(positions.begin(), positions.end());
    auto backwards = draw<Scalar>(rule, logits, ids, positions, 5);
    std::reverse(backwards.tokens.begin(), backwards.tokens.end());
    EXPECT_EQ(backwards.tokens, together.tokens);
}

// What sampling records is what training computes again.
template <class Scalar>
void logprob_is_that_of_training() {
    constexpr std::size_t rows = 40, vocabulary = 301;
    for (double const temperature : {0.25, 1.0, 2.0}) {
        auto const flat = test::normal_values(rows * vocabulary, "logits", 4.0);
        std::vector<Numbers> logits;
        test::Ints ids(rows), positions(rows, 0);
        std::iota(ids.begin(), ids.end(), 0);
        for (std::size_t n = 0; n < rows; ++n) {
            auto const first = flat.begin() + static_cast<std::ptrdiff_t>(n * vocabulary);
            logits.emplace_back(first, first + vocabulary);
        }
        auto const drawn = draw<Scalar>({.temperature = temperature}, logits, ids, positions);
        test::Vector<Scalar> const logprob("logprob", rows), entropy("entropy", rows), normaliser("normaliser", rows);
        logprob_forward<Exec, Scalar>(Exec(), test::to_matrix<Scalar>(flat, rows, vocabulary),
                                      test::to_indices(drawn.tokens), temperature, logprob, entropy, normaliser);
        EXPECT_TRUE(test::allclose(drawn.logprobs, test::to_doubles<Scalar>(logprob), test::rounding<Scalar>()));
    }
}

ALIGNSWEEP_TEST_SCALARS(Sampling, FrequenciesFollowTheSoftmax, frequencies_follow_the_softmax)
ALIGNSWEEP_TEST_SCALARS(Sampling, ZeroTemperatureTakesTheFirstOfTheLargest,
                        zero_temperature_takes_the_first_of_the_largest)
ALIGNSWEEP_TEST_SCALARS(Sampling, TopKKeepsTheMostProbable, top_k_keeps_the_most_probable)
ALIGNSWEEP_TEST_SCALARS(Sampling, TopPKeepsTheSmallestSetThatReachesIt, top_p_keeps_the_smallest_set_that_reaches_it)
ALIGNSWEEP_TEST_SCALARS(Sampling, RowsDoNotDependOnTheirBatch, rows_do_not_depend_on_their_batch)
ALIGNSWEEP_TEST_SCALARS(Sampling, LogprobIsThatOfTraining, logprob_is_that_of_training)

}  // namespace
}  // namespace alignsweep::kernels
