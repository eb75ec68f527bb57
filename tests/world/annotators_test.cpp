// SPDX-License-Identifier: Apache-2.0
#include "world/judges.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace alignsweep::world {
namespace {

constexpr Values good = {1, 1, 1, 1, 0.5, 1, 1};           // 4.75
constexpr Values close = {1, 1, 1, 1, 0.5, 0.5, 1};        // 4.50
constexpr Values bad = {1, 0.5, 0.5, 0.5, 0.25, 0.25, 0};  // 2.25
constexpr std::uint32_t n = 20000;

// People without noise or differences.
AnnotatorConfig exact() {
    AnnotatorConfig feedback;
    feedback.weight_spread = feedback.choice_temperature = feedback.flip = feedback.position_bias = 0.0;
    return feedback;
}

double sigma(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// Share of examples for which `yes` holds.
template <class Yes>
double share(Yes const& yes) {
    double count = 0.0;
    for (std::uint32_t i = 0; i < n; ++i) { count += yes(i); }
    return count / n;
}

void expect_share(double measured, double expected) {
    EXPECT_NEAR(measured, expected, 3.0 * std::sqrt(expected * (1.0 - expected) / n));
}

TEST(Annotators, TemperatureZeroTakesTheBetter) {
    Annotators const people(exact(), {}, 1);
    for (std::uint32_t i = 0; i < 500; ++i) {
        EXPECT_TRUE(people.compare(i, good, bad));
        EXPECT_FALSE(people.compare(i, bad, good));
    }
    expect_share(share([&](std::uint32_t i) { return people.compare(i, good, good); }), 0.5);
}

// The soft label is the probability of the choice in the order that was drawn.
TEST(Annotators, PreferenceIsTheProbabilityOfTheChoice) {
    auto feedback = exact();
    EXPECT_EQ(Annotators(feedback, {}, 1).preference(0, good, bad), 1.0);
    EXPECT_EQ(Annotators(feedback, {}, 1).preference(0, bad, good), 0.0);
    EXPECT_EQ(Annotators(feedback, {}, 1).preference(0, good, good), 0.5);
    feedback.choice_temperature = 0.4;
    feedback.flip = 0.1;
    feedback.position_bias = 0.2;
    Annotators const people(feedback, {}, 1);
    double const shown_first = 0.1 + 0.8 * sigma((0.25 + 0.2) / 0.4),
                 shown_last = 0.1 + 0.8 * sigma((0.25 - 0.2) / 0.4);
    expect_share(share([&](std::uint32_t i) { return people.preference(i, good, close) > 0.7; }), 0.5);
    for (std::uint32_t i = 0; i < 100; ++i) {
        double const says = people.preference(i, good, close);
        EXPECT_NEAR(says, says > 0.7 ? shown_first : shown_last, 1e-15);
    }
    expect_share(share([&](std::uint32_t i) { return people.compare(i, good, close); }),
                 (shown_first + shown_last) / 2);
}

TEST(Annotators, FlipOneInverts) {
    auto feedback = exact();
    feedback.flip = 1.0;
    Annotators people(feedback, {}, 1);
    people.set_standard(3.0);
    for (std::uint32_t i = 0; i < 500; ++i) {
        EXPECT_FALSE(people.compare(i, good, bad));
        EXPECT_TRUE(people.compare(i, bad, good));
        EXPECT_FALSE(people.thumb(i, 0, good));
        EXPECT_TRUE(people.thumb(i, 0, bad));
        EXPECT_EQ(people.rating(i, 0, good), 1);
    }
}

// Which answer is shown first is drawn: no side gains by where the caller has it.
TEST(Annotators, PositionBiasAddsToTheOneShownFirst) {
    auto feedback = exact();
    feedback.position_bias = 0.3;
    Annotators const people(feedback, {}, 1);
    // 4.50 + 0.3 > 4.75 where it is shown first.
    expect_share(share([&](std::uint32_t i) { return people.compare(i, close, good); }), 0.5);
    expect_share(share([&](std::uint32_t i) { return people.compare(i, good, good); }), 0.5);
    EXPECT_EQ(share([&](std::uint32_t i) { return people.compare(i, bad, good); }), 0.0);
    feedback.position_bias = -0.3;
    Annotators const contrary(feedback, {}, 1);
    for (std::uint32_t i = 0; i < 100; ++i) {
        EXPECT_NE(people.compare(i, close, good), contrary.compare(i, close, good));
    }
}

TEST(Annotators, FrequenciesFollowBradleyTerry) {
    auto feedback = exact();
    feedback.choice_temperature = 0.3;
    feedback.position_bias = 0.1;
    feedback.flip = 0.05;
    Annotators people(feedback, {}, 2);
    double const p = (sigma((0.25 + 0.1) / 0.3) + sigma((0.25 - 0.1) / 0.3)) / 2;
    expect_share(share([&](std::uint32_t i) { return people.compare(i, good, close); }), p * 0.95 + (1 - p) * 0.05);
    expect_share(share([&](std::uint32_t i) { return people.compare(i, close, good); }), p * 0.05 + (1 - p) * 0.95);
    people.set_standard(4.6);
    double const up = sigma((4.75 - 4.6) / 0.3);
    expect_share(share([&](std::uint32_t i) { return people.thumb(i, 0, good); }), up * 0.95 + (1 - up) * 0.05);
}

TEST(Annotators, HugeMarginsStayFinite) {
    auto feedback = exact();
    feedback.choice_temperature = 1e-6;
    Annotators const people(feedback, {}, 2);
    EXPECT_TRUE(people.compare(0, good, bad));
    EXPECT_FALSE(people.compare(0, bad, good));
}

TEST(Annotators, SpreadZeroMeansGoldWeights) {
    Annotators const people(exact(), {}, 3);
    EXPECT_EQ(people.count(), 8u);
    for (std::int32_t a = 0; a < 8; ++a) {
        EXPECT_EQ(people.weights(a), gold_weights({}));
        EXPECT_DOUBLE_EQ(people.reward(a, good), gold_reward(good, {}));
    }
}

TEST(Annotators, SpreadIsLogNormalAroundTheGoldWeights) {
    auto feedback = exact();
    feedback.weight_spread = 0.3;
    feedback.annotators = 2000;
    Annotators const people(feedback, {}, 3);
    double sum = 0.0, squares = 0.0;
    for (std::int32_t a = 0; a < 2000; ++a) {
        for (std::size_t k = 0; k < value_count; ++k) {
            double const z = std::log(people.weights(a)[k] / gold_weights({})[k]) / 0.3;
            sum += z;
            squares += z * z;
        }
    }
    double const count = 2000.0 * value_count;
    EXPECT_NEAR(sum / count, 0.0, 3.0 / std::sqrt(count));
    EXPECT_NEAR(squares / count, 1.0, 3.0 * std::sqrt(2.0 / count));
}

TEST(Annotators, AreAFunctionOfSeedAndIndex) {
    Annotators const one({}, {}, 4), again({}, {}, 4), other({}, {}, 5);
    EXPECT_NE(one.weights(0), other.weights(0));
    std::set<std::int32_t> seen;
    int different = 0;
    for (std::uint32_t i = 1000; i-- > 0;) {  // any order
        bool const first_better = one.compare(i, good, close);
        EXPECT_EQ(first_better, again.compare(i, good, close));
        EXPECT_EQ(one.rating(i, 1, bad), again.rating(i, 1, bad));
        different += first_better != other.compare(i, good, close);
        seen.insert(one.annotator_of(i));
    }
    EXPECT_EQ(seen.size(), 8u);
    EXPECT_GT(different, 100);
}

TEST(Annotators, ThumbsHaveBothClassesAndTellGoodFromBad) {
    Annotators people({}, {}, 6);
    people.set_standard(3.5);
    double const up = share([&](std::uint32_t i) { return people.thumb(i, 0, good); });
    double const down = share([&](std::uint32_t i) { return people.thumb(i, 1, bad); });
    EXPECT_GT(up, 0.8);
    EXPECT_LT(down, 0.2);
    EXPECT_LT(up, 1.0);
    EXPECT_GT(down, 0.0);
    // Responses of the same value get noise of their own.
    EXPECT_GT(share([&](std::uint32_t i) { return people.thumb(i, 0, close) != people.thumb(i, 1, close); }), 0.02);
}

TEST(Annotators, StandardIsOnTheGoldScale) {
    auto feedback = exact();
    Annotators people(feedback, {}, 7);
    EXPECT_TRUE(people.thumb(0, 0, good));  // default: 3.75
    EXPECT_FALSE(people.thumb(0, 0, bad));
    people.set_standard(4.8);
    EXPECT_FALSE(people.thumb(0, 0, good));
    people.set_standard(2.0);
    EXPECT_TRUE(people.thumb(0, 0, bad));
}

TEST(Annotators, RatingsRunFromOneToFive) {
    Annotators const people(exact(), {}, 8);
    EXPECT_EQ(people.rating(0, 0, {}), 1);
    EXPECT_EQ(people.rating(0, 0, bad), 3);  // 0.45 of the highest
    EXPECT_EQ(people.rating(0, 0, good), 5);
    EXPECT_EQ(people.rating(0, 0, {1, 1, 1, 1, 1, 1, 1}), 5);
    Annotators const noisy({}, {}, 8);
    double mean_good = 0.0, mean_bad = 0.0;
    for (std::uint32_t i = 0; i < n; ++i) {
        for (auto const& v : {good, bad, Values{}}) {
            EXPECT_GE(noisy.rating(i, 0, v), 1);
            EXPECT_LE(noisy.rating(i, 0, v), 5);
        }
        mean_good += noisy.rating(i, 0, good) / double(n);
        mean_bad += noisy.rating(i, 0, bad) / double(n);
    }
    EXPECT_GT(mean_good, mean_bad + 1.0);
}

}  // namespace
}  // namespace alignsweep::world
