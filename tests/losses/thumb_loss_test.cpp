// SPDX-License-Identifier: Apache-2.0
// KTO against its formula, written out.
#include "losses/preference.hpp"

#include "losses/helpers.hpp"

namespace alignsweep::losses {
namespace {

using namespace testing;

std::vector<Thumb> some_thumbs() {
    std::vector<Thumb> thumbs;
    for (int i = 0; i < 4; ++i) {
        thumbs.push_back({example_of(2, 2), i % 2 == 0, -2.0 + 0.3 * i, example_of(2, 3), -4.0 + 0.2 * i});
    }
    return thumbs;
}

TEST(ThumbLoss, FormulaAndDerivative) {
    auto const thumbs = some_thumbs();
    ChunkCase const chunk({2, 2, 2, 2}, 1, ValueRows::none);
    std::vector<double> const probes{-3.0, -3.5, -2.9, -3.3};
    double const beta = 0.4, desirable = 1.3, undesirable = 0.8;
    ThumbLoss objective(thumbs, {&thumb_loss_row("kto"), beta, desirable, undesirable});
    objective.prepare(all_of(objective), probes);
    double z0 = 0.0;
    for (std::size_t i = 0; i < 4; ++i) { z0 += (probes[i] - thumbs[i].mismatched_reference) / 4.0; }
    ASSERT_GT(z0, 0.0);
    EXPECT_DOUBLE_EQ(objective.z0(), z0);
    MetricSums sums;
    auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
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

TEST(ThumbLoss, Z0IsOneNumberForTheStepAndNeverNegative) {
    auto const thumbs = some_thumbs();
    ThumbLoss objective(thumbs, {&thumb_loss_row("kto"), 0.1, 1.0, 1.0});
    // Log-ratios 4, -2, 0, 1: the first half alone gives 1, the second 0.5, both together 0.75.
    std::vector<double> probes;
    for (double const ratio : {4.0, -2.0, 0.0, 1.0}) {
        probes.push_back(ratio + thumbs[probes.size()].mismatched_reference);
    }
    objective.prepare(all_of(objective), probes);
    EXPECT_NEAR(objective.z0(), 0.75, 1e-12);
    // Both chunks of the step see it.
    for (std::int64_t const first : {0, 2}) {
        ChunkCase const chunk({2, 2}, 1, ValueRows::none, first);
        MetricSums sums;
        static_cast<void>(objective.backward(chunk.sequences, chunk.outputs, sums));
        EXPECT_NEAR(sums.values().at("kl"), 0.75, 1e-12);
    }
    for (double& probe : probes) { probe -= 5.0; }
    objective.prepare(all_of(objective), probes);
    EXPECT_EQ(objective.z0(), 0.0);
    objective.prepare({}, {});
    EXPECT_EQ(objective.z0(), 0.0);
}

TEST(ThumbLoss, LossIsHalfLambdaWhereThePolicyIsTheReference) {
    ChunkCase const chunk({2, 3}, 1, ValueRows::none);
    for (bool const desirable : {true, false}) {
        std::vector<Thumb> thumbs;
        for (std::size_t i = 0; i < 2; ++i) {
            thumbs.push_back(
                {example_of(1, 2 + static_cast<int>(i)), desirable, chunk.logp(i), example_of(1, 1), -1.0});
        }
        ThumbLoss objective(thumbs, {&thumb_loss_row("kto"), 0.1, 1.2, 0.6});
        objective.prepare(all_of(objective), std::vector<double>{-1.0, -1.0});
        MetricSums sums;
        auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
        auto const metrics = sums.values();
        EXPECT_DOUBLE_EQ(metrics.at("loss"), desirable ? 0.6 : 0.3);
        EXPECT_EQ(metrics.at("kl"), 0.0);
        // Only the class that is there has metrics, and all is finite.
        EXPECT_EQ(metrics.at(desirable ? "rewards/chosen" : "rewards/rejected"), 0.0);
        EXPECT_FALSE(metrics.contains(desirable ? "rewards/rejected" : "rewards/chosen"));
        for (double const slope : gradients.logprob) { EXPECT_TRUE(desirable ? slope < 0.0 : slope > 0.0); }
    }
}

TEST(ThumbLoss, EachStepIsDividedByAllOfItsExamples) {
    auto const thumbs = some_thumbs();
    ThumbLoss objective(thumbs, {&thumb_loss_row("kto"), 0.1, 1.0, 1.0});
    objective.prepare(all_of(objective), std::vector<double>(4, -4.0));
    ChunkCase const whole({2, 2, 2, 2}, 1, ValueRows::none);
    MetricSums sums, parts;
    auto const together = objective.backward(whole.sequences, whole.outputs, sums).logprob;
    auto half = whole;
    half.sequences.resize(2);
    half.outputs.logprob.resize(4);
    half.outputs.entropy.resize(4);
    auto const first = objective.backward(half.sequences, half.outputs, parts).logprob;
    for (std::size_t t = 0; t < first.size(); ++t) { EXPECT_EQ(first[t], together[t]); }
}

// The other class may be absent from a step: its part is not NaN, and the mean is over those present.
TEST(ThumbLoss, ABatchOfOneOrOfOneClass) {
    for (ThumbLossRow const& row : thumb_losses()) {
        for (std::size_t const count : {1U, 3U}) {
            for (bool const desirable : {true, false}) {
                std::vector<Thumb> thumbs(count);
                for (Thumb& thumb : thumbs) { thumb = {example_of(1, 2), desirable, -2.0, example_of(1, 1), -1.0}; }
                ChunkCase const chunk(std::vector<int>(count, 2), 1, ValueRows::none);
                ThumbLoss objective(thumbs, {&row, 0.5, 1.0, 1.0});
                bool const probes = row.has_z0;
                objective.prepare(all_of(objective), std::vector<double>(probes ? count : 0U, -0.5));
                MetricSums sums;
                auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
                double const z0 = probes ? 0.5 : 0.0, sign = desirable ? 1.0 : -1.0;
                double expected = 0.0;
                for (std::size_t i = 0; i < count; ++i) {
                    expected += 1.0 - logistic(0.5 * sign * (chunk.logp(i) + 2.0 - z0));
                }
                EXPECT_NEAR(sums.values().at("loss"), expected / static_cast<double>(count), 1e-12);
                for (double const slope : gradients.logprob) { EXPECT_LT(sign * slope, 0.0); }
                EXPECT_FALSE(sums.values().contains(desirable ? "logps/rejected" : "logps/chosen"));
                for (auto const& [name, value] : sums.values()) { EXPECT_TRUE(std::isfinite(value)) << name; }
            }
        }
    }
}

TEST(ThumbLoss, WithoutZ0ThereIsNoProbeAndNoKl) {
    auto const thumbs = some_thumbs();
    ThumbLoss const kto(thumbs, {});
    EXPECT_EQ(kto.probes(1), std::vector<data::Example const*>{&thumbs[1].mismatched});
    ThumbLoss objective(thumbs, {&thumb_loss_row("apo_zero_unpaired"), 0.4, 1.3, 0.8});
    EXPECT_TRUE(objective.probes(1).empty());
    objective.prepare(all_of(objective), {});
    EXPECT_EQ(objective.z0(), 0.0);
    ChunkCase const chunk({2, 2, 2, 2}, 1, ValueRows::none);
    MetricSums sums;
    auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
    EXPECT_FALSE(sums.values().contains("kl"));
    expect_derivative(gradients.logprob, chunk.outputs.logprob, [&](std::vector<double> const& logprob) {
        double sum = 0.0;
        for (std::size_t i = 0; i < 4; ++i) {
            double const value = logistic(0.4 * (chunk.logp(i, logprob) - thumbs[i].reference));
            sum += thumbs[i].desirable ? 1.3 * (1.0 - value) : 0.8 * value;
        }
        return sum / 4.0;
    });
}

}  // namespace
}  // namespace alignsweep::losses
