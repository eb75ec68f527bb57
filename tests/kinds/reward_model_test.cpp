// SPDX-License-Identifier: Apache-2.0
// The reward model's units: normalised on the SFT model's own answers, or as the loss leaves them.
#include "infer/reward.hpp"

#include "stages/artifacts.hpp"
#include "support/tiny.hpp"

#include <cmath>

namespace alignsweep::kinds {
namespace {

std::vector<data::Example> own_answers(stages::FeedbackData const& feedback) {
    std::vector<data::Example> result;
    for (auto const& completion : feedback.completions) {
        if (!completion.on_policy) { continue; }
        auto const& prompt = feedback.prompts[static_cast<std::size_t>(completion.prompt)];
        result.push_back({prompt.tokens, completion.tokens});
    }
    return result;
}

struct Moments {
    double mean = 0.0, deviation = 0.0;
    explicit Moments(std::vector<double> const& scores) {
        double square = 0.0;
        for (double const score : scores) {
            mean += score / static_cast<double>(scores.size());
            square += score * score / static_cast<double>(scores.size());
        }
        deviation = std::sqrt(square - mean * mean);
    }
};

// Scores of these answers by a reward model of this kind, trained with reward_model.normalise = false.
std::vector<double> scores_without_normalise(std::string const& kind, std::vector<data::Example> const& answers) {
    auto const& life = testing::finished_life();
    auto config = life.config;
    config.edit<RewardModelConfig>().normalise = false;
    testing::TemporaryFolder folder;
    life.copy_inputs("reward_model", folder.path());
    auto const spec = make_stage(kind, config, 3, life.specs.at("reward_model").inputs);
    EXPECT_NE(spec.id(), life.specs.at("reward_model").id());
    execute(spec, testing::host_of(folder.path()));
    return infer::Reward(folder.path() / spec.id(), static_cast<int>(config.get<config::ModelConfig>().chunk))
        .score(infer::pointers(answers));
}

TEST(RewardModelStage, ScoresOfTheSftModelsAnswersHaveMeanZeroAndDeviationOneUnlessNormaliseIsOff) {
    auto const& life = testing::finished_life();
    auto const answers = own_answers(stages::load_feedback(life.of("feedback")));
    auto const normalised =
        infer::Reward(life.of("reward_model"), static_cast<int>(life.config.get<config::ModelConfig>().chunk))
            .score(infer::pointers(answers));
    auto const raw = scores_without_normalise("reward_model", answers);
    Moments const of_normalised(normalised), of_raw(raw);
    EXPECT_NEAR(of_normalised.mean, 0.0, 1e-6);
    EXPECT_NEAR(of_normalised.deviation, 1.0, 5e-6);
    EXPECT_GT(std::fabs(of_raw.deviation - 1.0), 0.01);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        EXPECT_NEAR(raw[i], of_raw.mean + of_raw.deviation * normalised[i], 1e-5);
    }
}

// What judges real data has one unit in every sweep, whatever unit the proxy has.
TEST(RewardModelStage, TheGoldModelIsNormalisedAlsoWhereTheProxyIsNot) {
    auto const answers = own_answers(stages::load_feedback(testing::finished_life().of("feedback")));
    Moments const gold(scores_without_normalise("gold_reward_model", answers));
    EXPECT_NEAR(gold.mean, 0.0, 1e-6);
    EXPECT_NEAR(gold.deviation, 1.0, 5e-6);
}

}  // namespace
}  // namespace alignsweep::kinds
