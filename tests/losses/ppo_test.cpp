// SPDX-License-Identifier: Apache-2.0
// SFT's cross-entropy, PPO's two losses, and what PPO makes of a rollout.
#include "losses/ppo.hpp"
#include "losses/loss.hpp"

#include "losses/helpers.hpp"

namespace alignsweep::losses {
namespace {

using namespace testing;

TEST(CrossEntropy, MeanOverTheTokensOfTheWholeStep) {
    // Chunks of 1 and of 6 tokens: a mean of chunk means would weigh the first token six times as much.
    std::vector<data::Example> const examples{example_of(2, 1), example_of(2, 4), example_of(2, 2)};
    CrossEntropy objective(examples, data::TargetKind::completion);
    objective.prepare(all_of(objective), {});
    ChunkCase const first({1}, 1, ValueRows::none, 0), second({4, 2}, 1, ValueRows::none, 1);
    MetricSums sums;
    double sum = 0.0;
    for (ChunkCase const* chunk : {&first, &second}) {
        auto const gradients = objective.backward(chunk->sequences, chunk->outputs, sums);
        expect_derivative(gradients.logprob, chunk->outputs.logprob, [](std::vector<double> const& logprob) {
            return -std::accumulate(logprob.begin(), logprob.end(), 0.0) / 7.0;
        });
        sum -= std::accumulate(chunk->outputs.logprob.begin(), chunk->outputs.logprob.end(), 0.0);
    }
    EXPECT_NEAR(sums.values().at("loss"), sum / 7.0, 1e-12);
}

TEST(CrossEntropy, StepsOfNoneOrOneTokenAreFinite) {
    std::vector<data::Example> const examples{example_of(3, 0), example_of(1, 1)};
    CrossEntropy objective(examples, data::TargetKind::completion);
    std::vector<std::int64_t> const nothing{0}, one{1};
    objective.prepare(nothing, {});
    ChunkCase const empty({0}, 1, ValueRows::none);
    MetricSums sums;
    EXPECT_TRUE(objective.backward(empty.sequences, empty.outputs, sums).logprob.empty());
    EXPECT_FALSE(sums.values().contains("loss"));
    objective.prepare(one, {});
    ChunkCase const single({1}, 1, ValueRows::none, 1);
    EXPECT_EQ(objective.backward(single.sequences, single.outputs, sums).logprob, std::vector<double>{-1.0});
}

TEST(TargetCount, AsPackCounts) {
    for (int prompt = 0; prompt < 3; ++prompt) {
        for (int completion = 0; completion < 3; ++completion) {
            if (prompt + completion == 0) { continue; }
            auto example = example_of(prompt, completion);
            if (completion == 2) { example.completion = {0, 0}; }  // token 0 counts like any other
            for (auto const kind : {data::TargetKind::completion, data::TargetKind::full, data::TargetKind::none}) {
                data::Example const* const pointer = &example;
                EXPECT_EQ(target_count(example, kind), data::pack(std::span(&pointer, 1), kind).targets())
                    << prompt << ' ' << completion;
            }
        }
    }
}

// One episode a (log-ratio, advantage); all with one token.
Rollout rollout_of(ChunkCase const& chunk, std::vector<std::array<double, 2>> const& cases) {
    Rollout rollout;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        rollout.examples.push_back(example_of(1, 1));
        Episode episode;
        episode.logprob = {chunk.outputs.logprob[i] - cases[i][0]};
        episode.advantage = {cases[i][1]};
        rollout.episodes.push_back(episode);
    }
    return rollout;
}

TEST(PpoPolicyLoss, FormulaAndDerivative) {
    // Ratio above, inside and below the clip range, with an advantage of either sign.
    std::vector<std::array<double, 2>> const cases{{0.5, 1.0},  {0.5, -1.5}, {0.05, 0.7},
                                                   {0.0, -0.4}, {-0.6, 1.1}, {-0.6, -0.9}};
    ChunkCase const chunk({1, 1, 1, 1, 1, 1}, 1, ValueRows::none);
    auto const rollout = rollout_of(chunk, cases);
    double const clip = 0.2;
    PpoPolicyLoss objective(rollout, clip, 1.0);
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
    auto const loss = [&](std::vector<double> const& logprob) {
        double sum = 0.0;
        for (std::size_t i = 0; i < cases.size(); ++i) {
            double const ratio = std::exp(logprob[i] - rollout.episodes[i].logprob[0]), advantage = cases[i][1];
            sum -= std::min(ratio * advantage, std::min(std::max(ratio, 1.0 - clip), 1.0 + clip) * advantage);
        }
        return sum / 6.0;
    };
    expect_derivative(gradients.logprob, chunk.outputs.logprob, loss);
    // The surrogate is flat where the ratio has left the range in the direction that the advantage asks for, only
    // there.
    std::vector<bool> flat;
    for (double const slope : gradients.logprob) { flat.push_back(slope == 0.0); }
    EXPECT_EQ(flat, (std::vector<bool>{true, false, false, false, false, true}));
    auto const metrics = sums.values();
    EXPECT_NEAR(metrics.at("policy/loss_avg"), loss(chunk.outputs.logprob), 1e-12);
    EXPECT_NEAR(metrics.at("policy/clipfrac_avg"), 2.0 / 6.0, 1e-12);
    EXPECT_NEAR(metrics.at("policy/approxkl_avg"), 0.5 * (2 * 0.25 + 0.0025 + 2 * 0.36) / 6.0, 1e-12);
}

TEST(PpoPolicyLoss, RatioIsOneUnderTheRolloutsPolicy) {
    ChunkCase const chunk({3, 0, 2}, 1, ValueRows::none);
    Rollout rollout;
    for (auto const& sequence : chunk.sequences) {
        auto const begin = chunk.outputs.logprob.begin();
        Episode episode;
        episode.logprob.assign(begin + static_cast<std::ptrdiff_t>(sequence.target_begin),
                               begin + static_cast<std::ptrdiff_t>(sequence.target_end));
        episode.advantage.assign(episode.logprob.size(), 0.5);
        rollout.examples.push_back(example_of(1, static_cast<int>(episode.logprob.size())));
        rollout.episodes.push_back(episode);
    }
    PpoPolicyLoss objective(rollout, 0.2, 1.0);
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
    auto const metrics = sums.values();
    EXPECT_EQ(metrics.at("val/ratio"), 1.0);
    EXPECT_EQ(metrics.at("val/ratio_var"), 0.0);
    EXPECT_EQ(metrics.at("policy/approxkl_avg"), 0.0);
    EXPECT_EQ(metrics.at("policy/clipfrac_avg"), 0.0);
    EXPECT_DOUBLE_EQ(metrics.at("policy/loss_avg"), -0.5);
    for (double const slope : gradients.logprob) { EXPECT_DOUBLE_EQ(slope, -0.5 / 5.0); }
}

TEST(PpoValueLoss, FormulaAndDerivative) {
    ChunkCase const chunk({2, 3}, 1, ValueRows::targets);
    auto const& value = chunk.outputs.value;
    // Change since the rollout, and how far the return lies above the value now.
    std::vector<double> const change{0.1, 0.5, -0.5, 0.5, -0.1}, gap{1.0, 1.0, 1.0, -1.0, -0.3};
    Rollout rollout;
    std::size_t token = 0;
    for (int const length : {2, 3}) {
        Episode episode;
        for (int t = 0; t < length; ++t, ++token) {
            episode.logprob.push_back(-1.0);
            episode.value.push_back(value[token] - change[token]);
            episode.returns.push_back(value[token] + gap[token]);
        }
        rollout.examples.push_back(example_of(1, length));
        rollout.episodes.push_back(episode);
    }
    double const clip = 0.2, coefficient = 0.1;
    PpoValueLoss objective(rollout, clip, coefficient);
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
    auto const loss = [&](std::vector<double> const& v) {
        double sum = 0.0;
        std::size_t t = 0;
        for (Episode const& episode : rollout.episodes) {
            for (std::size_t i = 0; i < episode.value.size(); ++i, ++t) {
                double const old = episode.value[i], goal = episode.returns[i];
                double const clipped = std::min(std::max(v[t], old - clip), old + clip);
                sum += 0.5 * std::max((v[t] - goal) * (v[t] - goal), (clipped - goal) * (clipped - goal));
            }
        }
        return coefficient * sum / 5.0;
    };
    expect_derivative(gradients.value, value, loss);
    EXPECT_TRUE(gradients.logprob.empty());
    // Only a value that came nearer to the return by more than the range is held back.
    EXPECT_EQ(gradients.value[1], 0.0);
    EXPECT_NE(gradients.value[2], 0.0);
    auto const metrics = sums.values();
    EXPECT_NEAR(metrics.at("val/loss_avg"), loss(value) / coefficient, 1e-12);
    EXPECT_NEAR(metrics.at("val/clipfrac_avg"), 0.2, 1e-12);
}

TEST(KlEstimate, K1AndK3) {
    for (double const logprob : {-4.0, -1.0, -0.2}) {
        for (double const reference : {-3.0, -1.0, -0.1}) {
            double const log_ratio = reference - logprob;
            EXPECT_DOUBLE_EQ(kl_estimate(logprob, reference, KlEstimator::k1), -log_ratio);
            double const k3 = kl_estimate(logprob, reference, KlEstimator::k3);
            EXPECT_NEAR(k3, std::exp(log_ratio) - 1.0 - log_ratio, 1e-12);
            EXPECT_GE(k3, 0.0);
        }
    }
}

TEST(Advantages, AreTheDiscountedSumOfTheErrors) {
    for (int const length : {0, 1, 2, 5}) {
        ChunkCase const made({length, length}, 1, ValueRows::targets);
        Episode episode;
        for (int t = 0; t < length; ++t) {
            auto const i = static_cast<std::size_t>(t);
            episode.logprob.push_back(made.outputs.logprob[i]);
            episode.reference_logprob.push_back(made.outputs.logprob[static_cast<std::size_t>(length) + i]);
            episode.value.push_back(made.outputs.value[i]);
        }
        episode.score = 1.7;
        double const kl_coef = 0.05, gamma = 0.9, lambda = 0.8;
        estimate_advantages(episode, kl_coef, KlEstimator::k1, gamma, lambda);
        auto const value = [&](int t) { return t < length ? episode.value[static_cast<std::size_t>(t)] : 0.0; };
        ASSERT_EQ(episode.advantage.size(), static_cast<std::size_t>(length));
        for (int t = 0; t < length; ++t) {
            double sum = 0.0;
            for (int k = t; k < length; ++k) {
                auto const i = static_cast<std::size_t>(k);
                double reward = -kl_coef * (episode.logprob[i] - episode.reference_logprob[i]);
                if (k == length - 1) { reward += episode.score; }
                sum += std::pow(gamma * lambda, k - t) * (reward + gamma * value(k + 1) - value(k));
            }
            auto const i = static_cast<std::size_t>(t);
            EXPECT_NEAR(episode.advantage[i], sum, 1e-12);
            EXPECT_NEAR(episode.returns[i], sum + value(t), 1e-12);
        }
    }
}

TEST(Advantages, WithGammaAndLambdaOneReturnsAreTheRewardsToCome) {
    Episode episode;
    episode.logprob = {-1.0, -2.0, -0.5};
    episode.reference_logprob = {-1.5, -1.0, -0.5};
    episode.value = {3.0, -7.0, 0.2};
    episode.score = 2.0;
    estimate_advantages(episode, 0.1, KlEstimator::k1, 1.0, 1.0);
    EXPECT_NEAR(episode.returns[0], 2.0 - 0.1 * (0.5 - 1.0), 1e-12);
    EXPECT_NEAR(episode.returns[1], 2.0 + 0.1, 1e-12);
    EXPECT_NEAR(episode.returns[2], 2.0, 1e-12);
    episode.value.pop_back();
    EXPECT_THROW(estimate_advantages(episode, 0.1, KlEstimator::k1, 1.0, 1.0), std::logic_error);
}

TEST(Whitening, IsOverAllTokensOfTheRollout) {
    // Episodes of unequal length and level: each whitened alone would have mean 0.
    std::vector<Episode> episodes(5);
    episodes[0].advantage = {5.0, 6.0, 7.0, 9.0};
    episodes[1].advantage = {-1.0};
    episodes[2].advantage = {};
    episodes[3].advantage = {20.0, 22.0};  // far from what a micro-batch of the first two would make of it
    episodes[4].advantage = {3.0};
    whiten_advantages(episodes);
    double sum = 0.0, squares = 0.0;
    for (auto const& episode : episodes) {
        for (double const advantage : episode.advantage) {
            sum += advantage;
            squares += advantage * advantage;
        }
    }
    EXPECT_NEAR(sum, 0.0, 1e-12);
    EXPECT_NEAR(squares / 7.0, 1.0, 1e-8);  // unbiased: 8 tokens
    EXPECT_LT(episodes[1].advantage[0], -1.0);
    for (double const advantage : episodes[3].advantage) { EXPECT_GT(advantage, 1.0); }
}

TEST(Whitening, FewTokensAndEqualOnesStayFinite) {
    std::vector<Episode> episodes(2);
    whiten_advantages(episodes);
    episodes[0].advantage = {4.0};
    whiten_advantages(episodes);
    EXPECT_EQ(episodes[0].advantage[0], 0.0);
    episodes[0].advantage = {4.0, 4.0};
    whiten_advantages(episodes);
    EXPECT_EQ(episodes[0].advantage, (std::vector<double>{0.0, 0.0}));
}

}  // namespace
}  // namespace alignsweep::losses
