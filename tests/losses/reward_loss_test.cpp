// SPDX-License-Identifier: Apache-2.0
// The reward model's loss against its formula, written out.
#include "losses/preference.hpp"

#include "losses/helpers.hpp"

namespace alignsweep::losses {
namespace {

using namespace testing;

TEST(RewardLoss, FormulaAndDerivative) {
    auto const pairs = some_pairs(3);
    ChunkCase const chunk({0, 0, 0, 0, 0, 0}, 2, ValueRows::last);
    double const margin = 0.4, centering = 0.05;
    RewardLoss objective(pairs, {margin, centering});
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
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

TEST(RewardLoss, ASoftLabelIsTheMeanOverBothLabels) {
    auto pairs = some_pairs(1);
    pairs[0].probability = 0.7;
    double const margin = 0.4, centering = 0.05;
    RewardLoss objective(pairs, {margin, centering});
    objective.prepare(all_of(objective), {});
    ChunkCase const chunk({0, 0}, 2, ValueRows::last);
    MetricSums sums;
    auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
    auto const loss = [&](std::vector<double> const& r) {
        return -0.7 * std::log(logistic(r[0] - r[1] - margin)) - 0.3 * std::log(logistic(r[1] - r[0] - margin)) +
               centering * (r[0] + r[1]) * (r[0] + r[1]);
    };
    expect_derivative(gradients.value, chunk.outputs.value, loss);
    EXPECT_NEAR(sums.values().at("loss"), loss(chunk.outputs.value), 1e-12);
}

// Not the mean of the chunks' extremes: the chunk size must not change what a metric says.
TEST(RewardLoss, LeastAndLargestRewardAreThoseOfTheStep) {
    auto const pairs = some_pairs(2);
    RewardLoss objective(pairs, {0.0, 0.0});
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    for (std::int64_t const first : {0, 1}) {
        ChunkCase chunk({0, 0}, 2, ValueRows::last, first);
        chunk.outputs.value = first == 0 ? std::vector<double>{1.0, 5.0} : std::vector<double>{-3.0, 2.0};
        static_cast<void>(objective.backward(chunk.sequences, chunk.outputs, sums));
    }
    auto const metrics = sums.values();
    EXPECT_EQ(metrics.at("min_reward"), -3.0);
    EXPECT_EQ(metrics.at("max_reward"), 5.0);
    EXPECT_EQ(metrics.at("accuracy"), 0.0);
}

}  // namespace
}  // namespace alignsweep::losses
