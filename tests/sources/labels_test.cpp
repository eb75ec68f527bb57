// SPDX-License-Identifier: Apache-2.0
// Labels of judges, and what the feedback stage makes of each source.
#include "sources/labels.hpp"

#include "config/values.hpp"
#include "losses/loss.hpp"
#include "store/manifest.hpp"
#include "support/tiny.hpp"
#include "train/trainer.hpp"
#include "world/judges.hpp"

#include <algorithm>
#include <cmath>

namespace alignsweep::sources {
namespace {

using kinds::testing::finished_life;
using kinds::testing::TemporaryFolder;

TEST(Labels, FollowTheScoresAtTheTemperature) {
    double temperature = 0.5;
    Scores scores(4000, {1.0, 0.5});
    scores.push_back({2.0, 2.0});
    auto const labels = verdicts_from_scores(scores, {temperature, true}, 7);
    double share = 0.0, up = 0.0;
    for (std::size_t i = 0; i < 4000; ++i) {
        EXPECT_EQ(labels[i].first_better, losses::sigmoid(1.0));
        share += labels[i].chose_first / 4000.0;
        up += labels[i].up[1] / 4000.0;
    }
    EXPECT_NEAR(share, losses::sigmoid(1.0), 0.03);
    EXPECT_NEAR(up, losses::sigmoid(-1.0), 0.03);  // the median is 1, the second answer's score 0.5
    EXPECT_EQ(labels.back().first_better, 0.5);
    EXPECT_FALSE(labels.back().undecided);
    EXPECT_TRUE(verdicts_from_scores(scores, {temperature, false}, 7).back().undecided);

    temperature = 0.0;
    for (auto const& label : verdicts_from_scores({{1.0, 0.0}, {0.0, 1.0}, {-3.0, 2.0}}, {temperature, true}, 7)) {
        EXPECT_EQ(label.first_better, label.chose_first ? 1.0 : 0.0);
    }
}

TEST(Labels, ThumbsStandAgainstTheMedianAndRatingsAreFifths) {
    double const temperature = 0.0;
    auto const labels =
        verdicts_from_scores({{0.0, 9.0}, {1.0, 8.0}, {2.0, 7.0}, {3.0, 6.0}, {4.0, 5.0}}, {temperature, true}, 1);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        EXPECT_FALSE(labels[i].up[0]) << i;
        if (i < 4) { EXPECT_TRUE(labels[i].up[1]) << i; }  // 5 is the median itself: a coin
        EXPECT_EQ(labels[i].rating[0], 1 + static_cast<int>(i) / 2) << i;
        EXPECT_EQ(labels[i].rating[1], 5 - static_cast<int>(i) / 2) << i;
    }
}

// The same scores, a share of the answers' labels turned round by mistake.
TEST(Labels, AFlipTurnsLabelsRound) {
    Scores const scores(4000, {1.0, 0.0});
    double share = 0.0;
    for (Verdict const& says : verdicts_from_scores(scores, {0.0, true, 0.25}, 7)) {
        EXPECT_EQ(says.first_better, 0.75);
        share += says.chose_first ? 1.0 / 4000.0 : 0.0;
    }
    EXPECT_NEAR(share, 0.75, 0.03);
}

struct Run {
    stages::FeedbackData feedback;
    store::Manifest manifest;
};
Run feedback_of(std::map<std::string, std::string> const& settings) {
    auto config = finished_life().config;
    config.edit<sources::FeedbackConfig>().prompts = 60;
    for (auto const& [key, value] : settings) { config::assign(config, "feedback", key, value, config::Entry{}); }
    TemporaryFolder folder;
    finished_life().copy_inputs("feedback", folder.path());
    auto const spec = kinds::make_stage("feedback", config, 3, finished_life().specs.at("feedback").inputs);
    stages::execute(spec, kinds::testing::host_of(folder.path()));
    return {stages::load_feedback(folder.path() / spec.id()), *store::read_manifest(folder.path() / spec.id())};
}

TEST(FeedbackSource, EachLabelsTheSameAnswersAndSaysHowOftenItAgreesWithGold) {
    auto const people = feedback_of({});
    for (std::string const source : {"ai", "constitution"}) {
        auto const other = feedback_of({{"source", source}});
        ASSERT_EQ(other.feedback.completions.size(), people.feedback.completions.size());
        for (std::size_t i = 0; i < people.feedback.completions.size(); ++i) {
            EXPECT_EQ(other.feedback.completions[i].tokens, people.feedback.completions[i].tokens);
        }
        EXPECT_GT(other.manifest.metrics.at("feedback/agreement"), 0.0) << source;
        auto const& metrics = other.manifest.metrics;
        EXPECT_EQ(
            metrics.at("feedback/pairs") + metrics.at("feedback/equal_answers") + metrics.at("feedback/undecided"),
            60.0);
        EXPECT_EQ(other.manifest.costs.count("tokens/judge"), source == "ai" ? 1U : 0U);
    }
    EXPECT_GT(people.manifest.metrics.at("feedback/agreement"), 0.5);
    EXPECT_EQ(people.manifest.metrics.at("feedback/undecided"), 0.0);
}

TEST(FeedbackSource, AgreementIsAShareOfTheGoldOrder) {
    // Nobody errs and everybody has the gold weights, so that all labels but ties follow the gold reward.
    auto const exact =
        feedback_of({{"weight_spread", "0"}, {"choice_temperature", "0"}, {"flip", "0"}, {"position_bias", "0"}});
    EXPECT_EQ(exact.manifest.metrics.at("feedback/agreement"), 1.0);
    auto const inverted =
        feedback_of({{"weight_spread", "0"}, {"choice_temperature", "0"}, {"flip", "1"}, {"position_bias", "0"}});
    EXPECT_EQ(inverted.manifest.metrics.at("feedback/agreement"), 0.0);
}

// A judge without noise: the chosen answer is the likelier one a token, however long it is.
TEST(FeedbackSource, TheModelPrefersTheLikelierAnswerByItsMean) {
    auto const run =
        feedback_of({{"source", "ai"}, {"choice_temperature", "0"}, {"max_new_tokens", "60"}, {"prompts", "150"}});
    infer::Weights const sft = infer::load_model(finished_life().of("sft"));
    infer::Transformer transformer(sft.shape);
    auto const mean = [&](std::int64_t row) {
        auto const example = stages::example_of(run.feedback, row, row);
        data::Example const* const pointer = &example;
        return infer::sequence_logprobs(transformer, sft, std::span(&pointer, 1), 1).at(0) /
               static_cast<double>(example.completion.size());
    };
    ASSERT_FALSE(run.feedback.pairs.empty());
    for (auto const& pair : run.feedback.pairs) { EXPECT_GT(mean(pair.chosen), mean(pair.rejected) - 1e-5); }
}

// Judged alone by people without noise or tastes, an answer is up above the median gold reward and down below it.
TEST(FeedbackSource, ThumbsOfPeopleStandAgainstTheMedian) {
    auto const run = feedback_of({{"thumbs", "annotators"},
                                  {"weight_spread", "0"},
                                  {"choice_temperature", "0"},
                                  {"flip", "0"},
                                  {"position_bias", "0"}});
    auto const& rows = run.feedback.completions;
    std::vector<double> golds;
    for (auto const& row : rows) { golds.push_back(row.gold); }
    std::sort(golds.begin(), golds.end());
    double const median = golds[golds.size() / 2];
    int different = 0;
    for (auto const& thumb : run.feedback.thumbs) {
        double const gold = rows[static_cast<std::size_t>(thumb.completion)].gold;
        if (std::abs(gold - median) < 1e-9) { continue; }
        EXPECT_EQ(thumb.desirable != 0, gold > median) << gold;
        ++different;
    }
    EXPECT_GT(different, 0);
}

TEST(FeedbackSource, TheConstitutionPrefersWhatKeepsMoreRules) {
    auto const run = feedback_of({{"source", "constitution"}, {"choice_temperature", "0"}});
    auto const tokenizer = stages::load_tokenizer(finished_life().of("corpus"));
    auto const score = [&](std::int64_t row) {
        auto const& completion = run.feedback.completions[static_cast<std::size_t>(row)];
        auto const& prompt = run.feedback.prompts[static_cast<std::size_t>(completion.prompt)];
        bool const ended = !completion.tokens.empty() && completion.tokens.back() == data::end_token;
        return world::constitution_score(
            world::rules_kept(tokenizer.decode(prompt.tokens), tokenizer.decode(completion.tokens), ended));
    };
    ASSERT_FALSE(run.feedback.pairs.empty());
    for (auto const& pair : run.feedback.pairs) { EXPECT_GT(score(pair.chosen), score(pair.rejected)); }
}

TEST(FeedbackSource, WhatTheConstitutionCannotTellStandsAtOneHalfOrNotAtAll) {
    auto const hard = feedback_of({{"source", "constitution"}});
    auto const soft = feedback_of({{"source", "constitution"}, {"labels", "probabilities"}});
    double const undecided = hard.manifest.metrics.at("feedback/undecided");
    ASSERT_GT(undecided, 0.0);
    EXPECT_EQ(static_cast<double>(soft.feedback.pairs.size() - hard.feedback.pairs.size()), undecided);
    double halves = 0.0;
    for (auto const& pair : soft.feedback.pairs) { halves += pair.probability == 0.5 ? 1.0 : 0.0; }
    EXPECT_EQ(halves, undecided);
    EXPECT_EQ(soft.feedback.thumbs.size(), hard.feedback.thumbs.size());
}

TEST(FeedbackSource, SoftLabelsNameTheLikelierAnswerAndItsProbability) {
    std::string const sharp = "0.05";
    auto const hard = feedback_of({{"choice_temperature", sharp}}),
               soft = feedback_of({{"choice_temperature", sharp}, {"labels", "probabilities"}});
    ASSERT_EQ(soft.feedback.pairs.size(), hard.feedback.pairs.size());
    double same = 0.0;
    for (std::size_t i = 0; i < hard.feedback.pairs.size(); ++i) {
        EXPECT_EQ(hard.feedback.pairs[i].probability, 1.0);
        double const probability = soft.feedback.pairs[i].probability;
        EXPECT_GE(probability, 0.5);
        EXPECT_LT(probability, 1.0);
        same += hard.feedback.pairs[i].chosen == soft.feedback.pairs[i].chosen ? 1.0 : 0.0;
    }
    EXPECT_GT(same, 0.6 * static_cast<double>(hard.feedback.pairs.size()));
    // KTO's thumbs are the drawn choices all the same.
    for (std::size_t i = 0; i < hard.feedback.thumbs.size(); ++i) {
        EXPECT_EQ(soft.feedback.thumbs[i].completion, hard.feedback.thumbs[i].completion);
    }
    auto const pairs = stages::make_pairs(soft.feedback, {});
    EXPECT_EQ(pairs.at(0).probability, soft.feedback.pairs.at(0).probability);
}

}  // namespace
}  // namespace alignsweep::sources
