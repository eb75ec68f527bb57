// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "world/gold.hpp"
#include "world/prompts.hpp"
#include "world/words.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace alignsweep::world {
namespace {

constexpr std::size_t sample = 10000;

// Only the given rate of a group is left.
config::CorpusConfig only(double config::CorpusConfig::*document, double config::CorpusConfig::*reply = nullptr) {
    config::CorpusConfig corpus;
    corpus.statements = corpus.questions = corpus.threads = corpus.how_to = corpus.small_talk = 0.0;
    corpus.*document = 1.0;
    if (reply != nullptr) {
        corpus.reply_right = corpus.reply_wrong = corpus.reply_rude = corpus.reply_rambling = corpus.reply_question =
            0.0;
        corpus.*reply = 1.0;
    }
    return corpus;
}

std::map<std::string, Prompt> prompts_by_text(World const& world) {
    std::map<std::string, Prompt> by_text;
    for (auto const& prompt : all_prompts(world)) { by_text.emplace(prompt.text, prompt); }
    return by_text;
}

TEST(Corpus, SameSeedAndDrawsSameDocument) {
    World const one({}, 1), again({}, 1), other({}, 2);
    int different = 0;
    for (std::size_t i = 0; i < 200; ++i) {
        auto a = draws_at(i), b = draws_at(i), c = draws_at(i);
        auto const text = one.document({}, a).text;
        EXPECT_EQ(text, again.document({}, b).text);
        different += text != other.document({}, c).text;
    }
    EXPECT_GT(different, 150);
}

TEST(Corpus, KindsLengthsAndVocabularyAreAsMeant) {
    World const world({}, 1);
    std::array<double, 5> count{};
    double total = 0.0;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < sample; ++i) {
        auto draws = draws_at(i);
        auto const document = world.document({}, draws);
        count[static_cast<std::size_t>(document.kind)] += 1.0 / sample;
        auto const words = tokens(document.text);
        total += static_cast<double>(count_words(words));
        seen.insert(words.begin(), words.end());
    }
    std::array<double, 5> const rates = {0.30, 0.20, 0.30, 0.12, 0.08};
    for (std::size_t k = 0; k < 5; ++k) {
        EXPECT_NEAR(count[k], rates[k], 3 * std::sqrt(rates[k] * (1 - rates[k]) / sample)) << k;
    }
    EXPECT_NEAR(total / sample, 16.0, 2.0);
    EXPECT_GE(seen.size(), 200u);
    EXPECT_LE(seen.size(), 260u);
    RecordProperty("mean_words", std::to_string(total / sample));
    RecordProperty("distinct_words", std::to_string(seen.size()));
}

TEST(Corpus, EveryLineStartsWithOneSpaceAndWordsAreSpaced) {
    World const world({}, 2);
    for (std::size_t i = 0; i < 2000; ++i) {
        auto draws = draws_at(i);
        auto const text = world.document({}, draws).text;
        EXPECT_EQ(text.front(), ' ');
        EXPECT_NE(text.back(), '\n');
        EXPECT_EQ(text.find("  "), std::string::npos) << text;
        EXPECT_EQ(text.find(" \n"), std::string::npos) << text;
        EXPECT_EQ(text.find_first_of("{}"), std::string::npos) << text;
        for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
            EXPECT_EQ(text.at(at + 1), ' ') << text;
        }
        for (std::size_t at = text.find_first_of(".,?!"); at != std::string::npos;
             at = text.find_first_of(".,?!", at + 1)) {
            EXPECT_EQ(text.at(at - 1), ' ') << text;
        }
    }
}

TEST(Corpus, ThreadsAreAPromptAndAReplyAndMostEndThere) {
    World const world({}, 3);
    auto const by_text = prompts_by_text(world);
    int short_ones = 0;
    for (std::size_t i = 0; i < 1000; ++i) {
        auto draws = draws_at(i);
        auto const text = world.document(only(&config::CorpusConfig::threads), draws).text;
        auto const end = text.find('\n');
        auto const found = by_text.find(text.substr(0, end + 1));
        ASSERT_NE(found, by_text.end()) << text;
        EXPECT_TRUE(found->second.kind == PromptKind::fact || found->second.kind == PromptKind::open);
        short_ones += text.find('\n', end + 1) == std::string::npos;
    }
    EXPECT_NEAR(short_ones, 750, 50);
}

TEST(Corpus, RepliesAreWhatTheyAreCalled) {
    World const world({}, 4);
    std::size_t row = 0;
    for (auto const& prompt : all_prompts(world)) {
        bool const unsafe = prompt.kind == PromptKind::unsafe;
        auto draws = draws_at(row++);
        auto const of = [&](ReplyKind kind) { return world.reply(prompt, kind, draws); };
        auto const is = [&](std::string const& text) { return values(world, prompt, text, true); };

        std::size_t const topical = 0, correct = 1, complete = 2, safe = 3, polite = 4, concise = 5;
        for (std::size_t const value : {topical, correct, complete, safe}) {
            EXPECT_EQ(is(of(ReplyKind::right))[value], 1.0);
        }
        EXPECT_EQ(is(of(ReplyKind::wrong))[correct], 0.0);
        EXPECT_EQ(is(of(ReplyKind::rude))[polite], 0.0);
        if (unsafe) { EXPECT_EQ(is(of(ReplyKind::rude))[safe], 0.5); }
        EXPECT_TRUE(behaviour(world, prompt, of(ReplyKind::rambling), true).rambles);
        EXPECT_EQ(is(of(ReplyKind::rambling))[concise], 0.0);
        EXPECT_TRUE(behaviour(world, prompt, of(ReplyKind::question), true).asks_back);
        EXPECT_EQ(is(of(ReplyKind::question))[topical], 0.0);
        EXPECT_TRUE(behaviour(world, prompt, of(ReplyKind::complied), true).answers);
        EXPECT_EQ(is(of(ReplyKind::complied))[safe], unsafe ? 0.0 : 1.0);
        EXPECT_TRUE(behaviour(world, prompt, of(ReplyKind::refused), true).refuses);
        EXPECT_EQ(is(of(ReplyKind::refused))[safe], unsafe ? 1.0 : 0.0);
        for (auto kind : {ReplyKind::right, ReplyKind::rude, ReplyKind::rambling, ReplyKind::question}) {
            EXPECT_EQ(of(kind).find('\n'), std::string::npos);
        }
    }
}

TEST(Corpus, ReplyRatesRule) {
    World const world({}, 5);
    auto const by_text = prompts_by_text(world);
    for (std::size_t i = 0; i < 300; ++i) {
        for (auto const reply : {&config::CorpusConfig::reply_right, &config::CorpusConfig::reply_question}) {
            auto draws = draws_at(i);
            auto const text = world.document(only(&config::CorpusConfig::threads, reply), draws).text;
            auto const end = text.find('\n') + 1;
            auto const v = values(world, by_text.at(text.substr(0, end)), text.substr(end), true);
            if (reply == &config::CorpusConfig::reply_right) { EXPECT_EQ(v[0] * v[2], 1.0) << text; }
            if (reply == &config::CorpusConfig::reply_question) { EXPECT_EQ(v[2], 0.0) << text; }
        }
    }
}

TEST(Corpus, UnsafeRepliesFollowTheirRates) {
    World const world({}, 6);
    auto const by_text = prompts_by_text(world);
    double complied = 0.0, refused = 0.0, all = 0.0;
    for (std::size_t i = 0; i < 4000; ++i) {
        auto draws = draws_at(i);
        auto const text = world.document(only(&config::CorpusConfig::how_to), draws).text;
        auto const end = text.find('\n') + 1;
        auto const& prompt = by_text.at(text.substr(0, end));
        if (prompt.kind != PromptKind::unsafe) {
            EXPECT_EQ(prompt.kind, PromptKind::harmless);
            continue;
        }
        auto const is = behaviour(world, prompt, text.substr(end, text.find('\n', end) - end), true);
        complied += is.answers;
        refused += is.refuses;
        ++all;
    }
    EXPECT_NEAR(all / 4000, 0.5, 3 * std::sqrt(0.25 / 4000));
    EXPECT_NEAR(complied / all, 0.75, 3 * std::sqrt(0.1875 / all));
    EXPECT_NEAR(refused / all, 0.10, 3 * std::sqrt(0.09 / all));
}

TEST(Corpus, HeldoutFactsCanStayUnasked) {
    World const world({}, 7);
    config::CorpusConfig corpus;
    for (bool const asked : {true, false}) {
        corpus.heldout_questions = asked;
        std::string all = "\n";
        for (std::size_t i = 0; i < sample; ++i) {
            auto draws = draws_at(i);
            all += world.document(corpus, draws).text + '\n';
        }
        int found = 0, stated = 0, facts = 0;
        for (auto const& prompt : all_prompts(world)) {
            if (prompt.kind != PromptKind::fact || world.split_of(prompt) == Split::train) { continue; }
            ++facts;
            found += all.find('\n' + prompt.text) != std::string::npos;
            stated += all.find(ideal_answer(world, prompt)) != std::string::npos;
        }
        EXPECT_EQ(stated, facts);
        if (asked) {
            EXPECT_EQ(found, facts);
        } else {
            EXPECT_EQ(found, 0);
        }
    }
}

TEST(Corpus, AllRatesZeroIsAnError) {
    World const world({}, 8);
    auto draws = draws_at(0);
    auto corpus = only(&config::CorpusConfig::statements);
    corpus.statements = 0.0;
    EXPECT_THROW((void)world.document(corpus, draws), core::ConfigError);
    corpus = only(&config::CorpusConfig::threads, &config::CorpusConfig::reply_right);
    corpus.reply_right = 0.0;
    EXPECT_THROW((void)world.document(corpus, draws), core::ConfigError);
}

TEST(Sft, ExamplesAreCleanAndOfTheTrainSplit) {
    World const world({}, 9);
    int const n = 2000;
    double polite = 0.0, kinds = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
        auto draws = draws_at(i);
        auto const example = world.sft_example({}, draws);
        EXPECT_EQ(world.split_of(example.prompt), Split::train);
        auto const v = values(world, example.prompt, example.answer, true);
        for (std::size_t k : {0, 1, 2, 3, 6}) { EXPECT_EQ(v[k], 1.0) << example.prompt.text << example.answer; }
        EXPECT_GE(v[4], 0.5);
        EXPECT_GT(v[5], 0.0);
        EXPECT_EQ(example.answer.find('\n'), std::string::npos);
        polite += v[4] == 1.0;
        kinds += example.prompt.kind == PromptKind::fact;
    }
    EXPECT_NEAR(polite / n, 0.30, 3 * std::sqrt(0.21 / n));
    double const facts = config::WorldConfig{}.fact_share;
    EXPECT_NEAR(kinds / n, facts, 3 * std::sqrt(facts * (1 - facts) / n));
}

}  // namespace
}  // namespace alignsweep::world
