// SPDX-License-Identifier: Apache-2.0
#include "data/order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>

namespace alignsweep::data {
namespace {

using Indices = std::vector<std::int64_t>;

core::RandomStream stream(std::uint64_t seed = 1) { return {seed, "test/order"}; }

Indices sorted(Indices values) {
    std::sort(values.begin(), values.end());
    return values;
}

Indices first(std::int64_t n) {
    Indices values(static_cast<std::size_t>(n));
    std::iota(values.begin(), values.end(), std::int64_t{0});
    return values;
}

TEST(Order, IsAPermutation) {
    for (std::int64_t const n : {0, 1, 2, 3, 7, 100, 1001}) {
        EXPECT_EQ(sorted(epoch_order(n, stream(), 3)), first(n));
    }
}

TEST(Order, DependsOnStreamAndEpochAlone) {
    EXPECT_EQ(epoch_order(50, stream(), 4), epoch_order(50, stream(), 4));
    EXPECT_NE(epoch_order(50, stream(), 4), epoch_order(50, stream(), 5));
    EXPECT_NE(epoch_order(50, stream(), 4), epoch_order(50, stream(2), 4));
    EXPECT_NE(epoch_order(50, stream(), 0), first(50));
}

TEST(Order, EveryOrderOfThreeIsAboutAsFrequent) {
    std::array<int, 27> counts{};
    for (std::uint32_t epoch = 0; epoch < 6000; ++epoch) {
        auto const order = epoch_order(3, stream(), epoch);
        ++counts[static_cast<std::size_t>(order[0] * 9 + order[1] * 3 + order[2])];
    }
    EXPECT_EQ(std::count_if(counts.begin(), counts.end(), [](int c) { return c > 0; }), 6);
    for (int const count : counts) { EXPECT_TRUE(count == 0 || (count > 850 && count < 1150)) << count; }
}

TEST(BatchOrder, EachEpochSeesEveryExampleOnce) {
    for (std::int64_t const n : {1, 5, 6, 7, 12}) {
        BatchOrder const order(n, 3, 2, stream());
        EXPECT_EQ(order.steps_per_epoch(), (n + 2) / 3);
        EXPECT_EQ(order.steps(), 2 * order.steps_per_epoch());
        for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
            Indices seen;
            for (std::int64_t s = 0; s < order.steps_per_epoch(); ++s) {
                auto const batch = order.indices(epoch * order.steps_per_epoch() + s);
                EXPECT_EQ(std::ssize(batch), std::min<std::int64_t>(3, n - 3 * s));
                seen.insert(seen.end(), batch.begin(), batch.end());
            }
            EXPECT_EQ(sorted(seen), first(n));
            EXPECT_EQ(seen, epoch_order(n, stream(), static_cast<std::uint32_t>(epoch)));
        }
    }
}

TEST(BatchOrder, ReshufflesBetweenEpochs) {
    BatchOrder const order(64, 64, 2, stream());
    EXPECT_NE(order.indices(0), order.indices(1));
}

TEST(BatchOrder, FewerExamplesThanABatch) {
    BatchOrder const order(2, 8, 3, stream());
    EXPECT_EQ(order.steps(), 3);
    EXPECT_EQ(sorted(order.indices(2)), first(2));
}

TEST(BatchOrder, NothingToDo) {
    EXPECT_EQ(BatchOrder(0, 4, 3, stream()).steps(), 0);
    EXPECT_EQ(BatchOrder(5, 4, 0, stream()).steps(), 0);
    EXPECT_THROW((void)BatchOrder(0, 4, 3, stream()).indices(0), std::logic_error);
    BatchOrder const order(5, 4, 1, stream());
    EXPECT_THROW((void)order.indices(-1), std::logic_error);
    EXPECT_THROW((void)order.indices(2), std::logic_error);
    EXPECT_THROW(BatchOrder(5, 0, 1, stream()), std::logic_error);
}

TEST(BatchOrder, AResumedRunGoesOnAlike) {
    BatchOrder const whole(23, 4, 3, stream());
    std::vector<Indices> steps;
    for (std::int64_t s = 0; s < whole.steps(); ++s) { steps.push_back(whole.indices(s)); }
    for (std::int64_t begin = 0; begin < whole.steps(); ++begin) {
        BatchOrder const resumed(23, 4, 3, stream());
        for (std::int64_t s = begin; s < whole.steps(); ++s) {
            EXPECT_EQ(resumed.indices(s), steps[static_cast<std::size_t>(s)]);
        }
    }
    for (std::int64_t s = whole.steps() - 1; s >= 0; --s) {
        EXPECT_EQ(whole.indices(s), steps[static_cast<std::size_t>(s)]);
    }
}

}  // namespace
}  // namespace alignsweep::data
