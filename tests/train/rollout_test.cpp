// SPDX-License-Identifier: Apache-2.0
// Prompts of a round, answers to them, and what they cost.
#include "train/rollout.hpp"

#include "core/error.hpp"
#include "data/text.hpp"
#include "support/tiny.hpp"
#include "train/cost_meter.hpp"

#include <set>

namespace alignsweep::train {
namespace {

using kinds::testing::finished_life;

stages::Context context_of(char const* kind) {
    static stages::StageHost const host = kinds::testing::host_of(finished_life().folder.path());
    return {finished_life().specs.at(kind), host};
}

// Rounds are cut from epochs, each of which has every prompt once, in an order of its own.
TEST(Prompts, EveryEpochAsksEachOnce) {
    auto const context = context_of("rlhf");
    Prompts const prompts(context, 4);
    std::vector<stages::PromptRow const*> asked;
    std::int64_t const count = prompts.size() / 2 + 1;
    for (std::int64_t round = 0; static_cast<std::int64_t>(asked.size()) < 2 * prompts.size(); ++round) {
        auto const some = prompts.ask(round, count);
        ASSERT_EQ(static_cast<std::int64_t>(some.size()), count);
        EXPECT_EQ(some, prompts.ask(round, count));
        asked.insert(asked.end(), some.begin(), some.end());
    }
    auto const middle = asked.begin() + prompts.size();
    EXPECT_EQ(std::set(asked.begin(), middle).size(), static_cast<std::size_t>(prompts.size()));
    EXPECT_EQ(std::set(middle, middle + prompts.size()).size(), static_cast<std::size_t>(prompts.size()));
    EXPECT_FALSE(std::equal(asked.begin(), middle, middle));
    for (auto const* prompt : asked) { EXPECT_FALSE(prompt->heldout); }
}

TEST(Prompts, NamesTheKindWhereNoneLeavesRoom) {
    auto const context = context_of("online_dpo");
    try {
        Prompts const prompts(context, 1000000);
        ADD_FAILURE();
    } catch (core::ConfigError const& error) {
        EXPECT_NE(std::string(error.what()).find("online_dpo.max_new_tokens"), std::string::npos) << error.what();
    }
}

TEST(Answers, AreCounted) {
    auto const context = context_of("rlhf");
    auto const weights = infer::load_model(finished_life().of("sft"));
    infer::Transformer transformer(weights.shape);
    auto const asked = tokens_of(Prompts(context, 4).ask(0, 12));
    auto const answers = answer(transformer, weights, asked, {core::RandomStream(1, "test"), 0, 1.0, 4}, 4);
    double length = 0.0, tokens = 0.0, ends = 0.0;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        auto const& said = answers.completions[i].tokens;
        EXPECT_EQ(answers.examples[i], (data::Example{asked[i], said}));
        length += static_cast<double>(said.size());
        tokens += static_cast<double>(asked[i].size() + said.size());
        ends += said.back() == data::end_token ? 1.0 : 0.0;
    }
    EXPECT_EQ(answers.length(), length);
    EXPECT_EQ(tokens_of(answers.examples), tokens);
    EXPECT_EQ(answers.ends(), ends);
}

TEST(CostMeter, CountsTwoOperationsAParameterAndSixWhereItLearns) {
    auto context = context_of("rlhf");
    add_model_cost(context, "policy", 10, 3.0, 5.0);
    add_model_cost(context, "policy", 10, 1.0);
    EXPECT_EQ(context.result.costs.at("tokens/policy"), 9.0);
    EXPECT_EQ(context.result.costs.at("flops/policy"), 10.0 * (2.0 * 4.0 + 6.0 * 5.0));
}

}  // namespace
}  // namespace alignsweep::train
