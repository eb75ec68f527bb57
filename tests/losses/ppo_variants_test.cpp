// SPDX-License-Identifier: Apache-2.0
// PPO's variants: the coefficient that follows a KL target, one trunk for policy and value, pre-training text mixed in.
#include "losses/ppo.hpp"

#include "losses/helpers.hpp"

namespace alignsweep::losses {
namespace {

using namespace testing;

TEST(AdaptedKlCoef, FollowsTheError) {
    KlTarget const target{6.0, 10000.0};
    EXPECT_DOUBLE_EQ(adapted_kl_coef(0.2, 6.0, 128, target), 0.2);
    EXPECT_DOUBLE_EQ(adapted_kl_coef(0.2, 6.6, 128, target), 0.2 * (1.0 + 0.1 * 0.0128));
    EXPECT_DOUBLE_EQ(adapted_kl_coef(0.2, 5.4, 500, target), 0.2 * (1.0 - 0.1 * 0.05));
    // Far from the target the error counts as a fifth.
    EXPECT_DOUBLE_EQ(adapted_kl_coef(0.2, 600.0, 128, target), 0.2 * (1.0 + 0.2 * 0.0128));
    EXPECT_DOUBLE_EQ(adapted_kl_coef(0.2, 0.0, 128, target), 0.2 * (1.0 - 0.2 * 0.0128));
    EXPECT_DOUBLE_EQ(adapted_kl_coef(0.2, -3.0, 128, target), 0.2 * (1.0 - 0.2 * 0.0128));
    EXPECT_EQ(adapted_kl_coef(0.0, 9.0, 128, target), 0.0);
}

TEST(AnnealedKlCoef, FallsByEqualFactorsAndStays) {
    EXPECT_DOUBLE_EQ(annealed_kl_coef(1.0, 0.01, 0.0), 1.0);
    EXPECT_DOUBLE_EQ(annealed_kl_coef(1.0, 0.01, 0.5), 0.1);
    EXPECT_EQ(annealed_kl_coef(1.0, 0.01, 1.0), 0.01);
    EXPECT_EQ(annealed_kl_coef(1.0, 0.01, 7.0), 0.01);
    EXPECT_DOUBLE_EQ(annealed_kl_coef(0.1, 0.4, 0.5), 0.2);
}

// Episodes of 2 and 3 tokens and of 1, whose ratios and values have moved in either direction.
struct SharedCase {
    ChunkCase chunk{{2, 3, 1}, 1, ValueRows::targets};
    Rollout rollout;

    SharedCase() {
        std::vector<double> const change{0.5, -0.5, 0.05, 0.3, -0.1, -0.4}, advantage{1.0, 0.7, -0.4, -1.2, 0.3, -0.8},
            value_change{0.1, 0.5, -0.5, 0.5, -0.1, 0.4}, gap{1.0, 1.0, 1.0, -1.0, -0.3, 0.6};
        std::size_t token = 0;
        for (int const length : {2, 3, 1}) {
            Episode episode;
            for (int t = 0; t < length; ++t, ++token) {
                episode.logprob.push_back(chunk.outputs.logprob[token] - change[token]);
                episode.advantage.push_back(advantage[token]);
                episode.value.push_back(chunk.outputs.value[token] - value_change[token]);
                episode.returns.push_back(chunk.outputs.value[token] + gap[token]);
            }
            rollout.examples.push_back(example_of(1, length));
            rollout.episodes.push_back(episode);
        }
    }
    // Both losses, written down again.
    [[nodiscard]] double loss(std::vector<double> const& logprob, std::vector<double> const& value) const {
        double sum = 0.0;
        std::size_t t = 0;
        for (Episode const& episode : rollout.episodes) {
            for (std::size_t i = 0; i < episode.value.size(); ++i, ++t) {
                double const ratio = std::exp(logprob[t] - episode.logprob[i]), gain = episode.advantage[i];
                sum -= std::min(ratio * gain, std::min(std::max(ratio, 0.8), 1.2) * gain);
                double const old = episode.value[i], goal = episode.returns[i];
                double const clipped = std::min(std::max(value[t], old - 0.3), old + 0.3);
                sum += 0.1 * 0.5 * std::max((value[t] - goal) * (value[t] - goal), (clipped - goal) * (clipped - goal));
            }
        }
        return sum / 6.0;
    }
};

TEST(PpoSharedLoss, FormulaAndDerivatives) {
    SharedCase const c;
    PpoSharedLoss objective(PpoPolicyLoss(c.rollout, 0.2, 0.7), PpoValueLoss(c.rollout, 0.3, 0.1));
    EXPECT_EQ(objective.temperature(), 0.7);
    EXPECT_EQ(objective.targets(), data::TargetKind::completion);
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    auto const gradients = objective.backward(c.chunk.sequences, c.chunk.outputs, sums);
    auto const& at = c.chunk.outputs;
    expect_derivative(gradients.logprob, at.logprob, [&](auto const& logprob) { return c.loss(logprob, at.value); });
    expect_derivative(gradients.value, at.value, [&](auto const& value) { return c.loss(at.logprob, value); });
    EXPECT_TRUE(gradients.entropy.empty());
    auto const metrics = sums.values();
    EXPECT_NEAR(metrics.at("policy/loss_avg") + 0.1 * metrics.at("val/loss_avg"), c.loss(at.logprob, at.value), 1e-12);
}

TEST(PpoTextLoss, IsTheCrossEntropyTimesTheCoefficient) {
    // Windows without a prompt: of n tokens, n - 1 are targets.
    std::vector<data::Example> const windows{example_of(0, 5), example_of(0, 3), example_of(0, 2)};
    double const coefficient = 2.5;
    PpoTextLoss objective(windows, coefficient);
    EXPECT_EQ(objective.size(), 3);
    EXPECT_EQ(objective.temperature(), 1.0);
    objective.prepare(all_of(objective), {});
    ChunkCase const first({4}, 1, ValueRows::none, 0), second({2, 1}, 1, ValueRows::none, 1);
    MetricSums sums;
    double sum = 0.0;
    for (ChunkCase const* chunk : {&first, &second}) {
        auto const gradients = objective.backward(chunk->sequences, chunk->outputs, sums);
        expect_derivative(gradients.logprob, chunk->outputs.logprob, [&](std::vector<double> const& logprob) {
            return -coefficient * std::accumulate(logprob.begin(), logprob.end(), 0.0) / 7.0;
        });
        sum -= std::accumulate(chunk->outputs.logprob.begin(), chunk->outputs.logprob.end(), 0.0);
    }
    auto const metrics = sums.values();
    EXPECT_NEAR(metrics.at("policy/ptx_loss"), sum / 7.0, 1e-12);
    EXPECT_EQ(metrics.size(), 1U);  // no second `loss` or `entropy` beside the policy's
}

TEST(PpoTextLoss, AStepWithoutTargetsIsNothing) {
    std::vector<data::Example> const windows{example_of(0, 1)};
    PpoTextLoss objective(windows, 1.0);
    objective.prepare(all_of(objective), {});
    ChunkCase const empty({0}, 1, ValueRows::none);
    MetricSums sums;
    EXPECT_TRUE(objective.backward(empty.sequences, empty.outputs, sums).logprob.empty());
    EXPECT_TRUE(sums.values().empty());
}

// An answer that is one end token: its only reward is the score less the penalty.
TEST(Advantages, OfOneToken) {
    Episode episode;
    episode.logprob = {-1.5};
    episode.reference_logprob = {-1.0};
    episode.value = {0.4};
    episode.score = 2.0;
    estimate_advantages(episode, 0.1, KlEstimator::k1, 1.0, 0.95);
    EXPECT_DOUBLE_EQ(episode.returns[0], 2.05);
    EXPECT_DOUBLE_EQ(episode.advantage[0], 1.65);
    estimate_advantages(episode, 0.1, KlEstimator::k3, 1.0, 0.95);
    EXPECT_DOUBLE_EQ(episode.returns[0], 2.0 - 0.1 * (std::exp(0.5) - 1.5));
}

}  // namespace
}  // namespace alignsweep::losses
