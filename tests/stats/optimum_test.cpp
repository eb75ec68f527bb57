// SPDX-License-Identifier: Apache-2.0
// The optimum of the KL-regularised objective, and best of n, against brute force.
#include "stats/optimum.hpp"
#include "stats/best_of_n.hpp"

#include "core/error.hpp"
#include "core/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace alignsweep::stats {
namespace {

using Values = std::vector<double>;

// A random distribution over n responses (log) or random rewards.
Values distribution(std::size_t n, std::uint32_t which) {
    core::Draws draws(core::RandomStream(9, "test/distribution"), which);
    Values weights;
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) { sum += weights.emplace_back(std::exp(1.5 * draws.normal())); }
    for (double& weight : weights) { weight = std::log(weight / sum); }
    return weights;
}
Values rewards(std::size_t n, std::uint32_t which) {
    core::Draws draws(core::RandomStream(9, "test/rewards"), which);
    Values values;
    for (std::size_t i = 0; i < n; ++i) { values.push_back(0.5 * draws.normal()); }
    return values;
}

TEST(Optimum, GapIsBetaTimesTheKlToIt) {
    for (double const beta : {0.01, 0.1, 0.3, 1.0, 30.0}) {
        for (std::uint32_t which = 0; which < 20; ++which) {
            auto const reference = distribution(50, which), policy = distribution(50, which + 100);
            auto const reward = rewards(50, which);
            auto const optimum = regularised_optimum(reference, reward, beta);
            EXPECT_NEAR(total_probability(optimum.logprob), 1.0, 1e-12);
            EXPECT_NEAR(regularised_objective(optimum.logprob, reference, reward, beta), optimum.objective, 1e-9);
            double const gap = optimum.objective - regularised_objective(policy, reference, reward, beta);
            EXPECT_NEAR(gap, beta * kl_divergence(policy, optimum.logprob), 1e-9 * std::max(1.0, beta));
            EXPECT_GT(gap, 0.0);
        }
    }
}

TEST(Optimum, OfAnEqualRewardIsTheReference) {
    auto const reference = distribution(7, 1);
    auto const optimum = regularised_optimum(reference, Values(7, 2.0), 0.1);
    for (std::size_t i = 0; i < 7; ++i) { EXPECT_NEAR(optimum.logprob[i], reference[i], 1e-12); }
    EXPECT_NEAR(optimum.objective, 2.0, 1e-12);
}

TEST(Optimum, KlLeavesOutWhatNeverHappens) {
    Values const p{0.0, -INFINITY}, q{std::log(0.25), std::log(0.75)};
    EXPECT_NEAR(kl_divergence(p, q), std::log(4.0), 1e-12);
    EXPECT_NEAR(kl_divergence(q, q), 0.0, 1e-15);
}

TEST(Optimum, WinsCountTiesHalf) {
    auto const p = distribution(12, 1), q = distribution(12, 2);
    Values value = rewards(12, 1);
    value[3] = value[7] = value[8];
    double expected = 0.0;
    for (std::size_t i = 0; i < 12; ++i) {
        for (std::size_t j = 0; j < 12; ++j) {
            double const both = std::exp(p[i] + q[j]);
            expected += value[i] > value[j] ? both : value[i] == value[j] ? 0.5 * both : 0.0;
        }
    }
    EXPECT_NEAR(win_probability(p, q, value), expected, 1e-12);
    EXPECT_NEAR(win_probability(p, p, value), 0.5, 1e-12);
}

TEST(Optimum, RecoveryIgnoresConstants) {
    auto const gold = rewards(20, 4), weights = distribution(20, 4);
    Values shifted = gold, halved = gold;
    for (double& value : shifted) { value += 3.0; }
    for (double& value : halved) { value *= 0.5; }
    EXPECT_NEAR(reward_recovery(shifted, gold, weights).error_square, 0.0, 1e-12);
    auto const half = reward_recovery(halved, gold, weights);
    EXPECT_NEAR(half.error_square, 0.25 * half.gold_variance, 1e-12);
}

// Sums over all n-tuples of draws; of several best ones the first drawn is taken.
Values brute_force(Values const& reference, Values const& score, int n) {
    Values probability(reference.size(), 0.0);
    std::function<void(int, std::size_t, double)> const draw = [&](int left, std::size_t best, double logprob) {
        if (left == 0) {
            probability[best] += std::exp(logprob);
            return;
        }
        for (std::size_t i = 0; i < reference.size(); ++i) {
            draw(left - 1, score[i] > score[best] ? i : best, logprob + reference[i]);
        }
    };
    for (std::size_t i = 0; i < reference.size(); ++i) { draw(n - 1, i, reference[i]); }
    return probability;
}

TEST(ExactBestOfN, AgreesWithBruteForce) {
    for (int const n : {1, 2, 3, 5}) {
        for (bool const ties : {false, true}) {
            auto const reference = distribution(6, 3);
            Values score = rewards(6, 3);
            if (ties) { score[0] = score[4] = score[5]; }
            auto const expected = brute_force(reference, score, n);
            auto const logprob = exact_best_of_n(reference, score, n);
            for (std::size_t i = 0; i < 6; ++i) { EXPECT_NEAR(std::exp(logprob[i]), expected[i], 1e-12) << n << ties; }
            EXPECT_NEAR(total_probability(logprob), 1.0, 1e-12);
        }
    }
}

TEST(ExactBestOfN, KlIsWithinItsBound) {
    auto const reference = distribution(400, 5);
    auto const score = rewards(400, 5);
    double last = 0.0;
    for (int const n : {2, 8, 64, 1024}) {
        double const kl = kl_divergence(exact_best_of_n(reference, score, n), reference);
        EXPECT_LE(kl, std::log(n) - (n - 1.0) / n);
        EXPECT_GT(kl, last);
        last = kl;
    }
}

TEST(ExactBestOfN, Edges) {
    auto const reference = distribution(5, 6);
    auto const same = exact_best_of_n(reference, Values(5, 1.0), 16);  // nothing to choose
    for (std::size_t i = 0; i < 5; ++i) { EXPECT_NEAR(same[i], reference[i], 1e-12); }
    EXPECT_NEAR(exact_best_of_n(Values{0.0}, Values{1.0}, 4)[0], 0.0, 1e-15);
    // A response that never comes, best though it be.
    auto const certain = exact_best_of_n(Values{0.0, -INFINITY}, Values{0.0, 1.0}, 4);
    EXPECT_NEAR(certain[0], 0.0, 1e-12);
    EXPECT_EQ(certain[1], -INFINITY);
    EXPECT_THROW(static_cast<void>(exact_best_of_n(reference, Values(4, 1.0), 2)), std::logic_error);
    EXPECT_THROW(static_cast<void>(exact_best_of_n(reference, Values(5, 1.0), 0)), std::logic_error);
}

}  // namespace
}  // namespace alignsweep::stats
