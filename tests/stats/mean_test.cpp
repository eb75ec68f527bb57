// SPDX-License-Identifier: Apache-2.0
#include "stats/mean.hpp"

#include <gtest/gtest.h>

namespace alignsweep::stats {
namespace {

TEST(ClusteredMean, ClustersOfOneHaveTheUsualError) {
    ClusteredMean clustered;
    Mean plain;
    for (std::int32_t i = 0; i < 7; ++i) {
        double const value = 0.1 * i * i - i;
        clustered.add(value, {i});
        plain.add(value);
    }
    EXPECT_DOUBLE_EQ(clustered.mean(), plain.mean());
    EXPECT_NEAR(clustered.error(), plain.error(), 1e-15);
    EXPECT_EQ(clustered.clusters(), 7);
    EXPECT_DOUBLE_EQ(clustered.t(), clustered.mean() / clustered.error());
}

// A number said twice is not known better.
TEST(ClusteredMean, CopiesMakeNoErrorSmaller) {
    ClusteredMean once, thrice;
    for (std::int32_t i = 0; i < 5; ++i) {
        once.add(i * i, {i, 3});
        for (int copy = 0; copy < 3; ++copy) { thrice.add(i * i, {i, 3}); }
    }
    EXPECT_DOUBLE_EQ(thrice.mean(), once.mean());
    EXPECT_DOUBLE_EQ(thrice.error(), once.error());
    EXPECT_EQ(thrice.clusters(), 5);
}

// By hand: residual sums -1.5 and 1.5 about the mean 2.5 of three numbers.
TEST(ClusteredMean, UnequalClusters) {
    ClusteredMean mean;
    mean.add(1.0, {1});
    mean.add(2.5, {2});
    mean.add(4.0, {2});
    EXPECT_DOUBLE_EQ(mean.mean(), 2.5);
    EXPECT_DOUBLE_EQ(mean.error(), std::sqrt(2.0 * 2.0 * 1.5 * 1.5) / 3.0);
}

TEST(ClusteredMean, NeedsTwoClusters) {
    ClusteredMean mean;
    EXPECT_EQ(mean.error(), 0.0);
    mean.add(1.0, {});
    mean.add(2.0, {});
    EXPECT_EQ(mean.mean(), 1.5);
    EXPECT_EQ(mean.error(), 0.0);
    EXPECT_EQ(mean.t(), 0.0);
}

}  // namespace
}  // namespace alignsweep::stats
