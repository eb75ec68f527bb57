// SPDX-License-Identifier: Apache-2.0
#include "stats/best_of_n.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace alignsweep::stats {
namespace {

using Prompts = std::vector<std::size_t>;

TEST(BestOfN, TakesTheHighestScoreOfEachPromptAndOfEqualsTheFirst) {
    BestOfN choice;
    EXPECT_EQ(choice.offer(std::array{0.5, -1.0, 2.0}), (Prompts{0, 1, 2}));
    EXPECT_EQ(choice.offer(std::array{0.5, -0.5, 1.0}), (Prompts{1}));
    EXPECT_EQ(choice.offer(std::array{0.75, -0.75, 2.0}), (Prompts{0}));
    EXPECT_EQ(choice.offer(std::array{0.6, -0.4, 2.5}), (Prompts{1, 2}));
}

TEST(BestOfN, EverySampleHasAScoreForEveryPrompt) {
    BestOfN choice;
    static_cast<void>(choice.offer(std::array{0.0, 0.0}));
    EXPECT_THROW(static_cast<void>(choice.offer(std::array{0.0})), std::logic_error);
}

TEST(BestOfN, BoundOfTheKl) {
    EXPECT_EQ(best_of_n_kl_bound(1), 0.0);
    EXPECT_NEAR(best_of_n_kl_bound(2), 0.19314718055994530942, 1e-15);
    EXPECT_NEAR(best_of_n_kl_bound(64), 3.17450808335967195, 1e-12);
}

// The KL of the best of n of k equally likely answers with distinct scores, in closed form, is below the bound and
// comes near it as k grows.
TEST(BestOfN, TheBoundHoldsWhereTheKlIsKnown) {
    for (std::int64_t const n : {2, 4, 16}) {
        double last = 0.0;
        for (int const k : {2, 8, 64, 4096}) {
            double kl = 0.0;
            for (int i = 0; i < k; ++i) {
                double const above = std::pow((i + 1.0) / k, n), below = std::pow(static_cast<double>(i) / k, n);
                if (above > below) { kl += (above - below) * std::log((above - below) * k); }
            }
            EXPECT_LE(kl, best_of_n_kl_bound(n)) << n << ' ' << k;
            EXPECT_GT(kl, last) << n << ' ' << k;
            last = kl;
        }
        EXPECT_NEAR(last, best_of_n_kl_bound(n), 1e-2) << n;
    }
}

}  // namespace
}  // namespace alignsweep::stats
