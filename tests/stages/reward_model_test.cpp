// SPDX-License-Identifier: Apache-2.0
// The reward model's units: normalised on the SFT model's own answers, or as the loss leaves them.
#include "stages/reward.hpp"

#include "stages/artifacts.hpp"
#include "stages/tiny.hpp"

#include <cmath>

namespace alignsweep::stages {
namespace {

std::vector<data::Example> own_answers(FeedbackData const& feedback) {
    std::vector<data::Example> result;
    for (auto const& completion : feedback.completions) {
        if (!completion.on_policy) { continue; }
        auto const& prompt = feedback.prompts[static_cast<std::size_t>(completion.prompt)];
        result.push_back({prompt.tokens, completion.tokens});
    }
    return result;
}

TEST(RewardModelStage, ScoresOfTheSftModelsAnswersHaveMeanZeroAndDeviationOneUnlessNormaliseIsOff) {
    auto const& life = testing::finished_life();
    auto config = life.config;
    config.reward_model.normalise = false;
    testing::TemporaryFolder folder;
    life.copy_inputs("reward_model", folder.path());
    auto const spec = make_stage("reward_model", config, 3, life.specs.at("reward_model").inputs);
    ASSERT_NE(spec.id(), life.specs.at("reward_model").id());
    execute(spec, testing::host_of(folder.path()));

    auto const answers = own_answers(load_feedback(life.of("feedback")));
    int const chunk = static_cast<int>(life.config.model.chunk);
    auto const normalised = Reward(life.of("reward_model"), chunk).score(pointers(answers));
    auto const raw = Reward(folder.path() / spec.id(), chunk).score(pointers(answers));
    double const count = static_cast<double>(answers.size());
    double mean = 0.0, square = 0.0, raw_mean = 0.0, raw_square = 0.0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        mean += normalised[i] / count;
        square += normalised[i] * normalised[i] / count;
        raw_mean += raw[i] / count;
        raw_square += raw[i] * raw[i] / count;
    }
    EXPECT_NEAR(mean, 0.0, 1e-6);
    EXPECT_NEAR(square, 1.0, 1e-5);
    double const deviation = std::sqrt(raw_square - raw_mean * raw_mean);
    EXPECT_GT(std::fabs(deviation - 1.0), 0.01);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        EXPECT_NEAR(raw[i], raw_mean + deviation * normalised[i], 1e-5);
    }
}

// What judges real data has one unit in every sweep, whatever unit the proxy has.
TEST(RewardModelStage, TheGoldModelIsNormalisedAlsoWhereTheProxyIsNot) {
    auto const& life = testing::finished_life();
    auto config = life.config;
    config.reward_model.normalise = false;
    testing::TemporaryFolder folder;
    life.copy_inputs("reward_model", folder.path());
    auto const spec = make_stage("gold_reward_model", config, 3, life.specs.at("reward_model").inputs);
    execute(spec, testing::host_of(folder.path()));
    auto const answers = own_answers(load_feedback(life.of("feedback")));
    auto const scores =
        Reward(folder.path() / spec.id(), static_cast<int>(life.config.model.chunk)).score(pointers(answers));
    double mean = 0.0, square = 0.0;
    for (double const score : scores) {
        mean += score / static_cast<double>(scores.size());
        square += score * score / static_cast<double>(scores.size());
    }
    EXPECT_NEAR(mean, 0.0, 1e-6);
    EXPECT_NEAR(square, 1.0, 1e-5);
}

}  // namespace
}  // namespace alignsweep::stages
