// SPDX-License-Identifier: Apache-2.0
#include "world/world.hpp"

#include "core/error.hpp"
#include "world/prompts.hpp"
#include "world/words.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <tuple>

namespace alignsweep::world {
namespace {

std::string answers_of(World const& world) {
    std::string all;
    for (auto const& prompt : all_prompts(world)) { all += prompt.text + ideal_answer(world, prompt) + '\n'; }
    return all;
}

TEST(World, IsAFunctionOfItsSeed) {
    config::WorldConfig const config;
    EXPECT_EQ(answers_of(World(config, 1)), answers_of(World(config, 1)));
    EXPECT_NE(answers_of(World(config, 1)), answers_of(World(config, 2)));
}

TEST(World, FactsDifferBetweenSeeds) {
    config::WorldConfig const config;
    World const one(config, 1), two(config, 2);
    int same = 0;
    for (std::int32_t name = 0; name < 32; ++name) {
        for (std::int32_t attribute = 0; attribute < 4; ++attribute) {
            same += one.answer_key(one.prompt_at(PromptKind::fact, name, attribute, 0)).right ==
                    two.answer_key(two.prompt_at(PromptKind::fact, name, attribute, 0)).right;
        }
    }
    EXPECT_LT(same, 128 / 12 + 3 * 4);  // binomial: mean 10.7, standard deviation 3.1
}

TEST(World, PromptsAreOneLineThatStartsWithASpace) {
    World const world({}, 3);
    std::set<std::string> seen;
    for (auto const& prompt : all_prompts(world)) {
        EXPECT_TRUE(seen.insert(prompt.text).second) << prompt.text;
        EXPECT_EQ(prompt.text.front(), ' ');
        EXPECT_NE(prompt.text[1], ' ');
        EXPECT_EQ(prompt.text.find('\n'), prompt.text.size() - 1);
        EXPECT_EQ(tokens(prompt.text).back(), "?");
        EXPECT_EQ(prompt.text.find_first_of("{}"), std::string::npos);
        EXPECT_EQ(ideal_answer(world, prompt).front(), ' ');
    }
    EXPECT_EQ(seen.size(), 2u * (32 * 4 + 6 * 3 + 2 * 12 * 6));
}

TEST(World, PromptAtChecksItsCodes) {
    World const world({}, 3);
    EXPECT_THROW((void)world.prompt_at(PromptKind::fact, 32, 0, 0), std::logic_error);
    EXPECT_THROW((void)world.prompt_at(PromptKind::fact, 0, 4, 0), std::logic_error);
    EXPECT_THROW((void)world.prompt_at(PromptKind::open, 0, 3, 0), std::logic_error);
    EXPECT_THROW((void)world.prompt_at(PromptKind::unsafe, -1, 0, 0), std::logic_error);
    EXPECT_THROW((void)world.prompt_at(PromptKind::harmless, 0, 0, 2), std::logic_error);
}

TEST(World, FindsEachPromptByItsWholeText) {
    World const world({}, 3), other_world({}, 4);
    int people_of_both = 0;
    for (auto const& prompt : all_prompts(world)) {
        auto const found = world.find(prompt.text);
        ASSERT_TRUE(found.has_value()) << prompt.text;
        EXPECT_EQ(std::tie(found->kind, found->subject, found->attribute, found->form, found->text),
                  std::tie(prompt.kind, prompt.subject, prompt.attribute, prompt.form, prompt.text));
        for (std::string const& other :
             {prompt.text + " ", prompt.text + prompt.text, prompt.text.substr(1), prompt.text.substr(0, 8)}) {
            EXPECT_FALSE(world.find(other).has_value()) << other;
        }
        bool const is_shared = other_world.find(prompt.text).has_value();
        if (prompt.kind != PromptKind::fact) { EXPECT_TRUE(is_shared) << prompt.text; }
        people_of_both += prompt.kind == PromptKind::fact && prompt.attribute == 0 && prompt.form == 0 && is_shared;
    }
    EXPECT_FALSE(world.find("").has_value());
    EXPECT_LE(people_of_both, 2);  // of 32, each drawn from thousands of names
}

TEST(World, DrawnPromptsComeFromTheirSplitAndRebuild) {
    World const world({}, 4);
    std::array<std::set<std::string>, 2> texts;
    for (std::size_t i = 0; i < 4000; ++i) {
        for (Split const split : {Split::train, Split::heldout}) {
            auto draws = draws_at(i);
            auto const prompt = world.prompt(split, draws);
            EXPECT_EQ(world.split_of(prompt), split);
            EXPECT_EQ(world.prompt_at(prompt.kind, prompt.subject, prompt.attribute, prompt.form).text, prompt.text);
            texts[static_cast<std::size_t>(split)].insert(prompt.text);
        }
    }
    for (auto const& text : texts[0]) { EXPECT_EQ(texts[1].count(text), 0u) << text; }
}

TEST(World, SplitsHaveTheirShare) {
    for (double const share : {0.0, 0.3, 0.6, 1.0}) {
        config::WorldConfig config;
        config.train_share = share;
        World const world(config, 5);
        std::array<std::array<int, 2>, 4> count{};
        for (auto const& prompt : all_prompts(world)) {
            ++count[static_cast<std::size_t>(prompt.kind)][static_cast<std::size_t>(world.split_of(prompt))];
        }
        for (auto const& [train, heldout] : count) {
            EXPECT_GE(train, 2);
            EXPECT_GE(heldout, 2);
            EXPECT_NEAR(train / double(train + heldout), share, 0.06);  // one of 18 open questions
        }
    }
}

TEST(World, KindsFollowTheShares) {
    config::WorldConfig config;
    config.fact_share = 1.0;
    config.open_share = 0.5;
    config.harmless_share = 0.5;
    config.unsafe_share = 0.0;  // sums to 2
    World const world(config, 6);
    std::array<double, 4> count{};
    int const n = 4000;
    for (std::size_t i = 0; i < n; ++i) {
        auto draws = draws_at(i);
        count[static_cast<std::size_t>(world.prompt(Split::train, draws).kind)] += 1.0 / n;
    }
    EXPECT_NEAR(count[0], 0.5, 3 * std::sqrt(0.25 / n));
    EXPECT_NEAR(count[1], 0.25, 3 * std::sqrt(0.1875 / n));
    EXPECT_NEAR(count[2], 0.25, 3 * std::sqrt(0.1875 / n));
    EXPECT_EQ(count[3], 0.0);
}

TEST(World, AllSharesZeroIsAnError) {
    config::WorldConfig config;
    config.fact_share = config.open_share = config.harmless_share = config.unsafe_share = 0.0;
    EXPECT_THROW(World(config, 1), core::ConfigError);
}

TEST(World, TwinIsTheOtherKindInTheSameSplit) {
    World const world({}, 8);
    std::size_t row = 0;
    for (auto const& prompt : all_prompts(world)) {
        auto draws = draws_at(row++);
        auto const twin = world.twin(prompt, draws);
        if (prompt.kind == PromptKind::fact || prompt.kind == PromptKind::open) {
            EXPECT_FALSE(twin.has_value());
            continue;
        }
        ASSERT_TRUE(twin.has_value());
        EXPECT_EQ(twin->kind, prompt.kind == PromptKind::unsafe ? PromptKind::harmless : PromptKind::unsafe);
        EXPECT_EQ(std::tie(twin->subject, twin->form), std::tie(prompt.subject, prompt.form));
        EXPECT_EQ(world.split_of(*twin), world.split_of(prompt));
        EXPECT_NE(twin->text, prompt.text);
    }
}

TEST(World, AnswerKeysAreAsLargeAsPromised) {
    World const world({}, 9);
    for (auto const& prompt : all_prompts(world)) {
        auto const key = world.answer_key(prompt);
        int right = 0;
        for (std::size_t i = 0; i < 64; ++i) {
            bool const is_right = key.is_right(i);
            right += is_right;
            if (is_right) { EXPECT_LT(i, key.words.size()); }
        }
        EXPECT_EQ(right, prompt.kind == PromptKind::fact ? 1 : prompt.kind == PromptKind::open ? 3 : 6);
    }
}

TEST(World, LargestWorldHasDistinctWords) {
    config::WorldConfig config;
    config.names = 4096;
    config.values = 64;
    config.objects = 64;
    World const world(config, 10);
    std::set<std::string> seen;
    auto const add = [&seen](std::string const& word) { EXPECT_TRUE(seen.insert(tokens(word).at(0)).second) << word; };
    for (std::int32_t attribute = 0; attribute < 4; ++attribute) {
        auto const key = world.answer_key(world.prompt_at(PromptKind::fact, 0, attribute, 0));
        EXPECT_EQ(key.words.size(), 64u);
        for (auto const& word : key.words) { add(word); }
    }
    for (std::int32_t object = 0; object < 64; ++object) {
        auto const asked = tokens(world.prompt_at(PromptKind::unsafe, object, 0, 0).text);
        add(asked.at(asked.size() - 2));
    }
    for (auto const& tool : words::tools) { add(std::string(tool)); }
    // No name is a word of the world or of its forms: neither an answer nor a mark of anything.
    auto const add_form = [&seen](std::string_view form) {
        for (auto const& word : tokens(form)) { seen.insert(word); }
    };
    for (auto const& attribute : words::attributes) {
        for (auto const form : attribute.statements) { add_form(form); }
        for (auto const form : attribute.questions) { add_form(form); }
    }
    for (auto const& action : words::actions) {
        add_form(action.questions[0]);
        add_form(action.questions[1]);
        add_form(action.answer_two);
        for (auto const answer : action.answers) { add_form(answer); }
    }
    for (auto const& exchange : words::small_talk) {
        add_form(exchange.first);
        add_form(exchange.second);
    }
    for (auto const form : words::counter_questions) { add_form(form); }
    for (auto const form : words::rude_sentences) { add_form(form); }
    for (auto const verb : words::harmless_verbs) { add_form(verb); }
    for (auto const verb : words::unsafe_verbs) { add_form(verb); }
    for (auto const form : {words::how_to_questions[1], words::how_to_answer, words::how_to_extra, words::refusal,
                            words::refusal_extra, words::polite_opening, words::polite_closing}) {
        add_form(form);
    }
    for (std::int32_t name = 0; name < 4096; ++name) {
        auto const asked = tokens(world.prompt_at(PromptKind::fact, name, 0, 0).text);
        add(asked.at(2));  // what does NAME eat ?
    }
}

TEST(World, SmallestWorldWorks) {
    config::WorldConfig config;
    config.names = config.values = config.objects = 2;
    World const world(config, 11);
    for (std::size_t i = 0; i < 200; ++i) {
        auto draws = draws_at(i);
        EXPECT_FALSE(world.document({}, draws).text.empty());
        EXPECT_FALSE(world.sft_example({}, draws).answer.empty());
        EXPECT_EQ(world.split_of(world.prompt(Split::heldout, draws)), Split::heldout);
    }
}

}  // namespace
}  // namespace alignsweep::world
