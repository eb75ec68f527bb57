// SPDX-License-Identifier: Apache-2.0
// DPO, KTO and the reward model against their formulas, written out.
#include "methods/dpo.hpp"
#include "methods/kto.hpp"
#include "methods/reward_model.hpp"

#include "methods/helpers.hpp"

namespace alignsweep::methods {
namespace {

using testing::all_of;
using testing::ChunkCase;
using testing::example_of;
using testing::expect_derivative;
using testing::logistic;

std::vector<Pair> some_pairs(int count) {
    std::vector<Pair> pairs;
    for (int i = 0; i < count; ++i) {
        pairs.push_back({example_of(2, 3), example_of(2, 2), -4.0 + 0.7 * i, -3.0 - 0.4 * i});
    }
    return pairs;
}

TEST(Dpo, FormulaAndDerivative) {
    auto const pairs = some_pairs(3);
    ChunkCase const chunk({3, 2, 3, 2, 3, 2}, 2, ValueRows::none);
    double const beta = 0.3;
    Dpo method(pairs, {.beta = beta});
    method.prepare(all_of(method), {});
    MetricSums sums;
    auto const gradients = method.loss(chunk.sequences, chunk.outputs, sums);
    auto const loss = [&](std::vector<double> const& logprob) {
        double sum = 0.0;
        for (std::size_t p = 0; p < pairs.size(); ++p) {
            double const delta = (chunk.logp(2 * p, logprob) - pairs[p].chosen_reference) -
                                 (chunk.logp(2 * p + 1, logprob) - pairs[p].rejected_reference);
            sum -= std::log(logistic(beta * delta)) / static_cast<double>(pairs.size());
        }
        return sum;
    };
    expect_derivative(gradients.logprob, chunk.outputs.logprob, loss);
    auto const metrics = sums.values();
    EXPECT_NEAR(metrics.at("loss"), loss(chunk.outputs.logprob), 1e-12);
    double chosen = 0.0, right = 0.0;
    for (std::size_t p = 0; p < 3; ++p) {
        double const ours = beta * (chunk.logp(2 * p) - pairs[p].chosen_reference);
        double const theirs = beta * (chunk.logp(2 * p + 1) - pairs[p].rejected_reference);
        chosen += ours / 3.0;
        right += ours > theirs ? 1.0 / 3.0 : 0.0;
    }
    EXPECT_NEAR(metrics.at("rewards/chosen"), chosen, 1e-12);
    EXPECT_NEAR(metrics.at("rewards/accuracies"), right, 1e-12);
    EXPECT_NEAR(metrics.at("rewards/margins"), metrics.at("rewards/chosen") - metrics.at("rewards/rejected"), 1e-12);
    EXPECT_NEAR(metrics.at("logps/rejected"), (chunk.logp(1) + chunk.logp(3) + chunk.logp(5)) / 3.0, 1e-12);
}

TEST(Dpo, LossIsLogTwoWhereThePolicyIsTheReference) {
    ChunkCase const chunk({3, 2, 1, 4}, 2, ValueRows::none);
    std::vector<Pair> const pairs{{example_of(1, 3), example_of(1, 2), chunk.logp(0), chunk.logp(1)},
                                  {example_of(1, 1), example_of(1, 4), chunk.logp(2), chunk.logp(3)}};
    Dpo method(pairs, {.beta = 0.1});
    method.prepare(all_of(method), {});
    MetricSums sums;
    static_cast<void>(method.loss(chunk.sequences, chunk.outputs, sums));
    auto const metrics = sums.values();
    EXPECT_DOUBLE_EQ(metrics.at("loss"), std::log(2.0));
    for (char const* name : {"rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"}) {
        EXPECT_EQ(metrics.at(name), 0.0) << name;
    }
}

TEST(Dpo, SwappingTheAnswersNegatesTheMargin) {
    auto pairs = some_pairs(1);
    auto const margin_of = [&](ChunkCase const& chunk) {
        Dpo method(pairs, {.beta = 0.2});
        method.prepare(all_of(method), {});
        MetricSums sums;
        static_cast<void>(method.loss(chunk.sequences, chunk.outputs, sums));
        return sums.values().at("rewards/margins");
    };
    ChunkCase chunk({3, 2}, 2, ValueRows::none);
    double const margin = margin_of(chunk);
    ChunkCase swapped({2, 3}, 2, ValueRows::none);
    auto const& from = chunk.outputs.logprob;
    swapped.outputs.logprob = {from[3], from[4], from[0], from[1], from[2]};
    std::swap(pairs[0].chosen_reference, pairs[0].rejected_reference);
    EXPECT_DOUBLE_EQ(margin_of(swapped), -margin);
    EXPECT_NE(margin, 0.0);
}

TEST(Dpo, HugeMarginsStayFinite) {
    for (double const reference : {-1e4, 1e4}) {
        std::vector<Pair> const pairs{{example_of(1, 1), example_of(1, 1), reference, -reference}};
        ChunkCase const chunk({1, 1}, 2, ValueRows::none);
        Dpo method(pairs, {.beta = 1.0});
        method.prepare(all_of(method), {});
        MetricSums sums;
        auto const gradients = method.loss(chunk.sequences, chunk.outputs, sums);
        EXPECT_TRUE(std::isfinite(sums.values().at("loss")));
        EXPECT_NEAR(gradients.logprob[0], reference > 0.0 ? -1.0 : 0.0, 1e-12);
    }
}

TEST(Dpo, AnEmptyCompletionHasLogProbabilityZero) {
    std::vector<Pair> const pairs{{example_of(2, 0), example_of(2, 2), 0.0, -1.0}};
    ChunkCase const chunk({0, 2}, 2, ValueRows::none);
    Dpo method(pairs, {.beta = 0.5});
    method.prepare(all_of(method), {});
    MetricSums sums;
    auto const gradients = method.loss(chunk.sequences, chunk.outputs, sums);
    EXPECT_EQ(gradients.logprob.size(), 2U);
    EXPECT_EQ(sums.values().at("logps/chosen"), 0.0);
    EXPECT_TRUE(std::isfinite(sums.values().at("loss")));
}

std::vector<Thumb> some_thumbs() {
    std::vector<Thumb> thumbs;
    for (int i = 0; i < 4; ++i) {
        thumbs.push_back({example_of(2, 2), i % 2 == 0, -2.0 + 0.3 * i, example_of(2, 3), -4.0 + 0.2 * i});
    }
    return thumbs;
}

TEST(Kto, FormulaAndDerivative) {
    auto const thumbs = some_thumbs();
    ChunkCase const chunk({2, 2, 2, 2}, 1, ValueRows::none);
    std::vector<double> const probes{-3.0, -3.5, -2.9, -3.3};
    double const beta = 0.4, desirable = 1.3, undesirable = 0.8;
    Kto method(thumbs, {ThumbLossKind::kto, beta, desirable, undesirable});
    method.prepare(all_of(method), probes);
    double z0 = 0.0;
    for (std::size_t i = 0; i < 4; ++i) { z0 += (probes[i] - thumbs[i].mismatched_reference) / 4.0; }
    ASSERT_GT(z0, 0.0);
    EXPECT_DOUBLE_EQ(method.z0(), z0);
    MetricSums sums;
    auto const gradients = method.loss(chunk.sequences, chunk.outputs, sums);
    // z0 is a constant: no gradient goes through it.
    auto const loss = [&](std::vector<double> const& logprob) {
        double sum = 0.0;
        for (std::size_t i = 0; i < 4; ++i) {
            double const r = chunk.logp(i, logprob) - thumbs[i].reference;
            sum += thumbs[i].desirable ? desirable * (1.0 - logistic(beta * (r - z0)))
                                       : undesirable * (1.0 - logistic(beta * (z0 - r)));
        }
        return sum / 4.0;
    };
    expect_derivative(gradients.logprob, chunk.outputs.logprob, loss);
    auto const metrics = sums.values();
    EXPECT_NEAR(metrics.at("loss"), loss(chunk.outputs.logprob), 1e-12);
    EXPECT_DOUBLE_EQ(metrics.at("kl"), z0);
    EXPECT_NEAR(metrics.at("rewards/chosen"), beta * 0.5 * (chunk.logp(0) + 2.0 + chunk.logp(2) + 1.4), 1e-12);
    EXPECT_NEAR(metrics.at("logps/rejected"), 0.5 * (chunk.logp(1) + chunk.logp(3)), 1e-12);
}

TEST(Kto, Z0IsOneNumberForTheStepAndNeverNegative) {
    auto const thumbs = some_thumbs();
    Kto method(thumbs, {ThumbLossKind::kto, 0.1, 1.0, 1.0});
    // Log-ratios 4, -2, 0, 1: the first half alone gives 1, the second 0.5, both together 0.75.
    std::vector<double> probes;
    for (double const ratio : {4.0, -2.0, 0.0, 1.0}) {
        probes.push_back(ratio + thumbs[probes.size()].mismatched_reference);
    }
    method.prepare(all_of(method), probes);
    EXPECT_NEAR(method.z0(), 0.75, 1e-12);
    // Both chunks of the step see it.
    for (std::int64_t const first : {0, 2}) {
        ChunkCase const chunk({2, 2}, 1, ValueRows::none, first);
        MetricSums sums;
        static_cast<void>(method.loss(chunk.sequences, chunk.outputs, sums));
        EXPECT_NEAR(sums.values().at("kl"), 0.75, 1e-12);
    }
    for (double& probe : probes) { probe -= 5.0; }
    method.prepare(all_of(method), probes);
    EXPECT_EQ(method.z0(), 0.0);
    method.prepare({}, {});
    EXPECT_EQ(method.z0(), 0.0);
}

TEST(Kto, LossIsHalfLambdaWhereThePolicyIsTheReference) {
    ChunkCase const chunk({2, 3}, 1, ValueRows::none);
    for (bool const desirable : {true, false}) {
        std::vector<Thumb> thumbs;
        for (std::size_t i = 0; i < 2; ++i) {
            thumbs.push_back(
                {example_of(1, 2 + static_cast<int>(i)), desirable, chunk.logp(i), example_of(1, 1), -1.0});
        }
        Kto method(thumbs, {ThumbLossKind::kto, 0.1, 1.2, 0.6});
        method.prepare(all_of(method), std::vector<double>{-1.0, -1.0});
        MetricSums sums;
        auto const gradients = method.loss(chunk.sequences, chunk.outputs, sums);
        auto const metrics = sums.values();
        EXPECT_DOUBLE_EQ(metrics.at("loss"), desirable ? 0.6 : 0.3);
        EXPECT_EQ(metrics.at("kl"), 0.0);
        // Only the class that is there has metrics, and all is finite.
        EXPECT_EQ(metrics.at(desirable ? "rewards/chosen" : "rewards/rejected"), 0.0);
        EXPECT_FALSE(metrics.contains(desirable ? "rewards/rejected" : "rewards/chosen"));
        for (double const slope : gradients.logprob) { EXPECT_TRUE(desirable ? slope < 0.0 : slope > 0.0); }
    }
}

TEST(Kto, EachStepIsDividedByAllOfItsExamples) {
    auto const thumbs = some_thumbs();
    Kto method(thumbs, {ThumbLossKind::kto, 0.1, 1.0, 1.0});
    method.prepare(all_of(method), std::vector<double>(4, -4.0));
    ChunkCase const whole({2, 2, 2, 2}, 1, ValueRows::none);
    MetricSums sums, parts;
    auto const together = method.loss(whole.sequences, whole.outputs, sums).logprob;
    auto half = whole;
    half.sequences.resize(2);
    half.outputs.logprob.resize(4);
    half.outputs.entropy.resize(4);
    auto const first = method.loss(half.sequences, half.outputs, parts).logprob;
    for (std::size_t t = 0; t < first.size(); ++t) { EXPECT_EQ(first[t], together[t]); }
}

TEST(RewardModel, FormulaAndDerivative) {
    auto const pairs = some_pairs(3);
    ChunkCase const chunk({0, 0, 0, 0, 0, 0}, 2, ValueRows::last);
    double const margin = 0.4, centering = 0.05;
    RewardModel method(pairs, {margin, centering});
    method.prepare(all_of(method), {});
    MetricSums sums;
    auto const gradients = method.loss(chunk.sequences, chunk.outputs, sums);
    auto const loss = [&](std::vector<double> const& r) {
        double sum = 0.0;
        for (std::size_t p = 0; p < 3; ++p) {
            double const better = r[2 * p], worse = r[2 * p + 1];
            sum += -std::log(logistic(better - worse - margin)) + centering * (better + worse) * (better + worse);
        }
        return sum / 3.0;
    };
    expect_derivative(gradients.value, chunk.outputs.value, loss);
    EXPECT_TRUE(gradients.logprob.empty());
    auto const metrics = sums.values();
    auto const& r = chunk.outputs.value;
    EXPECT_NEAR(metrics.at("loss"), loss(r), 1e-12);
    EXPECT_NEAR(metrics.at("margin"), (r[0] - r[1] + r[2] - r[3] + r[4] - r[5]) / 3.0, 1e-12);
    EXPECT_NEAR(metrics.at("mean_reward"), std::accumulate(r.begin(), r.end(), 0.0) / 6.0, 1e-12);
}

// Not the mean of the chunks' extremes: the chunk size must not change what a metric says.
TEST(RewardModel, LeastAndLargestRewardAreThoseOfTheStep) {
    auto const pairs = some_pairs(2);
    RewardModel method(pairs, {0.0, 0.0});
    method.prepare(all_of(method), {});
    MetricSums sums;
    for (std::int64_t const first : {0, 1}) {
        ChunkCase chunk({0, 0}, 2, ValueRows::last, first);
        chunk.outputs.value = first == 0 ? std::vector<double>{1.0, 5.0} : std::vector<double>{-3.0, 2.0};
        static_cast<void>(method.loss(chunk.sequences, chunk.outputs, sums));
    }
    auto const metrics = sums.values();
    EXPECT_EQ(metrics.at("min_reward"), -3.0);
    EXPECT_EQ(metrics.at("max_reward"), 5.0);
    EXPECT_EQ(metrics.at("accuracy"), 0.0);
}

}  // namespace
}  // namespace alignsweep::methods
