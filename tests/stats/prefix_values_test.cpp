// SPDX-License-Identifier: Apache-2.0
// Values of unfinished answers, held against sums over all responses, and the identities that they must obey.
#include "stats/prefix_values.hpp"

#include "stats/optimum.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace alignsweep::stats {
namespace {

// A tree of 4 tokens and 3 places: 13 contexts, 40 responses, an uneven model and an uneven reward.
struct World {
    world::ResponseTree tree{4, 3};
    std::vector<double> next, reward, logprob;

    World() {
        for (std::int64_t context = 0; context < tree.contexts(); ++context) {
            double sum = 0.0;
            for (int token = 0; token < 4; ++token) { sum += std::exp(logit(context, token)); }
            for (int token = 0; token < 4; ++token) { next.push_back(logit(context, token) - std::log(sum)); }
        }
        for (std::int64_t node = 0; node < tree.responses(); ++node) {
            reward.push_back(std::cos(1.7 * static_cast<double>(node)) + 0.01 * static_cast<double>(node));
        }
        logprob = tree.logprobs(next);
    }
    static double logit(std::int64_t context, int token) {
        return 1.5 * std::sin(2.3 * static_cast<double>(context) + 1.1 * token);
    }
    // Responses that begin as the context does.
    [[nodiscard]] std::vector<std::size_t> below(std::int64_t context) const {
        auto const begin = tree.context(context);
        std::vector<std::size_t> nodes;
        for (std::int64_t node = 0; node < tree.responses(); ++node) {
            auto const letters = tree.context(node);
            if (letters.size() >= begin.size() && std::equal(begin.begin(), begin.end(), letters.begin())) {
                nodes.push_back(static_cast<std::size_t>(node));
            }
        }
        return nodes;
    }
};

TEST(PrefixValues, AreTheSumsOverTheResponsesThatBeginSo) {
    World const world;
    double const beta = 0.3;
    auto const value = prefix_values(world.tree, world.next, world.reward);
    auto const soft = soft_prefix_values(world.tree, world.next, world.reward, beta);
    auto const reached = world.tree.context_logprobs(world.next);
    ASSERT_EQ(value.size(), 13U);
    for (std::int64_t context = 0; context < world.tree.contexts(); ++context) {
        double mass = 0.0, mean = 0.0, exponential = 0.0;
        for (std::size_t const node : world.below(context)) {
            double const p = std::exp(world.logprob[node]);
            mass += p;
            mean += p * world.reward[node];
            exponential += p * std::exp(world.reward[node] / beta);
        }
        auto const c = static_cast<std::size_t>(context);
        EXPECT_NEAR(std::exp(reached[c]), mass, 1e-14);
        EXPECT_NEAR(value[c], mean / mass, 1e-13);
        EXPECT_NEAR(soft[c], beta * std::log(exponential / mass), 1e-12);
        EXPECT_GT(soft[c], value[c]);  // the optimum knows what is coming
    }
}

TEST(PrefixValues, AtTheRootAreTheWholeExpectations) {
    World const world;
    EXPECT_NEAR(prefix_values(world.tree, world.next, world.reward)[0], expectation(world.logprob, world.reward),
                1e-14);
    for (double const beta : {0.01, 0.3, 50.0}) {
        EXPECT_NEAR(soft_prefix_values(world.tree, world.next, world.reward, beta)[0],
                    regularised_optimum(world.logprob, world.reward, beta).objective, 1e-11);
    }
}

// beta log(pi* / ref) of each token is what it adds to V*; over a response these add up to reward less V* at the
// prompt. pi* here comes from the whole responses, V* from the recursion.
TEST(PrefixValues, TokensOfTheOptimumAddWhatTheyAreWorth) {
    World const world;
    double const beta = 0.4;
    auto const soft = soft_prefix_values(world.tree, world.next, world.reward, beta);
    auto const optimum = regularised_optimum(world.logprob, world.reward, beta).logprob;
    for (std::size_t node = 0; node < optimum.size(); ++node) {
        EXPECT_NEAR(beta * (optimum[node] - world.logprob[node]) + soft[0], world.reward[node], 1e-12);
    }
    auto const mass = [&](std::vector<double> const& logprob, std::int64_t context) {
        double sum = 0.0;
        for (std::size_t const node : world.below(context)) { sum += std::exp(logprob[node]); }
        return sum;
    };
    for (std::int64_t context = 1; context < world.tree.contexts(); ++context) {
        std::int64_t const before = world.tree.parent(context);
        double const pi = mass(optimum, context) / mass(optimum, before);
        double const reference = mass(world.logprob, context) / mass(world.logprob, before);
        EXPECT_NEAR(beta * std::log(pi / reference),
                    soft[static_cast<std::size_t>(context)] - soft[static_cast<std::size_t>(before)], 1e-12);
    }
}

TEST(PrefixValues, OfLargeRewardsOverASmallBetaStayFinite) {
    World world;
    for (double& reward : world.reward) { reward *= 1000.0; }
    auto const soft = soft_prefix_values(world.tree, world.next, world.reward, 1e-3);
    EXPECT_TRUE(std::isfinite(soft[0]));
    EXPECT_NEAR(soft[0], *std::max_element(world.reward.begin(), world.reward.end()), 0.1);
}

TEST(WithinCorrelation, TakesEachGroupsMeanAway) {
    std::array const a{1.0, 2.0, 3.0, 101.0, 102.0, 103.0};
    std::array const b{5.0, 3.0, 1.0, 25.0, 23.0, 21.0};
    std::array const even{1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    std::array<std::int64_t, 6> const group{7, 7, 7, 2, 2, 2};
    EXPECT_NEAR(within_correlation(a, b, {even, group}).value(), -1.0, 1e-14);
    EXPECT_NEAR(within_correlation(a, b, {even, {}}).value(), 0.98, 0.02);
    EXPECT_NEAR(within_variance(b, {even, group}), 8.0 / 3.0, 1e-14);
}

TEST(WithinCorrelation, CountsRowsByTheirWeight) {
    std::array const a{0.0, 1.0, 2.0, 9.0}, b{0.0, 1.0, 1.0, -50.0};
    std::array const some{2.0, 1.0, 1.0, 0.0};
    // The same rows written out: 0 0 1 2 against 0 0 1 1.
    std::array const long_a{0.0, 0.0, 1.0, 2.0}, long_b{0.0, 0.0, 1.0, 1.0}, even{1.0, 1.0, 1.0, 1.0};
    EXPECT_NEAR(within_correlation(a, b, {some, {}}).value(), within_correlation(long_a, long_b, {even, {}}).value(),
                1e-14);
    EXPECT_NEAR(within_correlation(long_a, long_b, {even, {}}).value(), 3.0 / std::sqrt(11.0), 1e-14);
}

TEST(WithinCorrelation, IsNotDefinedForAConstant) {
    std::array const a{0.1, 0.1, 0.1, 0.3}, b{1.0, 2.0, 3.0, 4.0}, even{1.0, 1.0, 1.0, 1.0};
    std::array<std::int64_t, 4> const group{0, 0, 0, 1};
    EXPECT_FALSE(within_correlation(a, b, {even, group}).has_value());
    EXPECT_TRUE(within_correlation(a, b, {even, {}}).has_value());
    EXPECT_FALSE(within_correlation({}, {}, {{}, {}}).has_value());
}

}  // namespace
}  // namespace alignsweep::stats
