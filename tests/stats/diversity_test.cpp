// SPDX-License-Identifier: Apache-2.0
#include "stats/diversity.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace alignsweep::stats {
namespace {

TEST(Diversity, OfNoAnswersIsZero) {
    Diversity const none;
    EXPECT_EQ(none.distinct(), 0.0);
    EXPECT_EQ(none.entropy(), 0.0);
    EXPECT_EQ(none.modal_share(), 0.0);
    EXPECT_FALSE(none.collapsed());
}

TEST(Diversity, CountsAnswers) {
    Diversity four;
    for (std::int32_t answer : {1, 1, 2, 3}) { four.add(0, {answer}, false); }
    EXPECT_EQ(four.distinct(), 0.75);
    EXPECT_EQ(four.modal_share(), 0.5);
    EXPECT_NEAR(four.entropy(), 0.5 * std::log(2.0) + 0.5 * std::log(4.0), 1e-15);
    EXPECT_EQ(four.modal_share_of_kind(), 0.0) << "too few to say";
}

TEST(Diversity, RefusalsAreNeverTheCommonest) {
    Diversity answers;
    for (int i = 0; i < 30; ++i) { answers.add(0, {9, 9}, true); }
    for (std::int32_t i = 0; i < 10; ++i) { answers.add(0, {i}, false); }
    EXPECT_EQ(answers.modal_share(), 1.0 / 40.0);
    EXPECT_EQ(answers.distinct(), 11.0 / 40.0);
    EXPECT_FALSE(answers.collapsed());
}

// One kind of prompt that always gets one line is a collapse, however varied the others are.
TEST(Diversity, OneKindAloneMayCollapse) {
    Diversity answers;
    for (std::int32_t i = 0; i < 200; ++i) { answers.add(0, {i}, false); }
    for (std::int32_t i = 0; i < 40; ++i) { answers.add(1, {i < 9 ? 1000 : i}, false); }
    EXPECT_EQ(answers.modal_share_of_kind(), 9.0 / 40.0);
    EXPECT_FALSE(answers.collapsed());
    for (int i = 0; i < 2; ++i) { answers.add(1, {1000}, false); }
    EXPECT_EQ(answers.modal_share_of_kind(), 11.0 / 42.0);
    EXPECT_TRUE(answers.collapsed());
    EXPECT_LT(answers.modal_share(), 0.05);
}

}  // namespace
}  // namespace alignsweep::stats
