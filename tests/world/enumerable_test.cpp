// SPDX-License-Identifier: Apache-2.0
// The enumerable world: what is listed, the reward and the corpus.
#include "world/enumerable.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace alignsweep::world {
namespace {

using Tokens = ResponseTree::Tokens;

struct Size {
    std::int64_t tokens, length;
};
constexpr Size sizes[] = {{2, 1}, {2, 4}, {3, 1}, {3, 2}, {6, 4}, {16, 3}};

// All responses by another way: every word over the tokens that stops at the first end token or at the limit.
void grow(Tokens const& beginning, Size size, std::set<Tokens>& into) {
    for (std::int32_t token = 0; token < size.tokens; ++token) {
        Tokens longer = beginning;
        longer.push_back(token);
        if (token == ResponseTree::end || static_cast<std::int64_t>(longer.size()) == size.length) {
            into.insert(longer);
        } else {
            grow(longer, size, into);
        }
    }
}

TEST(ResponseTree, ListsEveryResponseOnce) {
    for (Size const size : sizes) {
        ResponseTree const tree(size.tokens, size.length);
        std::set<Tokens> expected, listed;
        grow({}, size, expected);
        for (std::int64_t node = 0; node < tree.responses(); ++node) { listed.insert(tree.response(node)); }
        EXPECT_EQ(tree.responses(), static_cast<std::int64_t>(expected.size())) << size.tokens << ' ' << size.length;
        EXPECT_EQ(listed, expected) << size.tokens << ' ' << size.length;
    }
    EXPECT_EQ(ResponseTree(6, 4).responses(), 781);  // 156 that end within four tokens, 625 cut off
    EXPECT_EQ(ResponseTree(6, 4).contexts(), 156);
    EXPECT_EQ(ResponseTree(2, 1).responses(), 2);
}

TEST(ResponseTree, ContextsAreWhereATokenIsChosen) {
    ResponseTree const tree(4, 3);
    std::set<Tokens> contexts;
    for (std::int64_t node = 0; node < tree.contexts(); ++node) {
        auto const letters = tree.context(node);
        EXPECT_LT(letters.size(), 3U);
        contexts.insert(letters);
        if (node == 0) { continue; }
        auto parent = letters;
        parent.pop_back();
        EXPECT_EQ(tree.context(tree.parent(node)), parent);
        EXPECT_EQ(tree.letter(node), letters.back());
    }
    EXPECT_EQ(contexts.size(), 13U);
}

TEST(ResponseTree, ProbabilitiesAreProductsAndAddUpToOne) {
    for (Size const size : sizes) {
        ResponseTree const tree(size.tokens, size.length);
        core::Draws draws(core::RandomStream(3, "test"), 0);
        std::vector<double> next;
        std::map<Tokens, std::vector<double>> rows;
        for (std::int64_t node = 0; node < tree.contexts(); ++node) {
            std::vector<double> weights;
            double sum = 0.0;
            for (std::int64_t t = 0; t < size.tokens; ++t) { sum += weights.emplace_back(draws.uniform()); }
            for (double const weight : weights) { next.push_back(std::log(weight / sum)); }
            for (double& weight : weights) { weight = std::log(weight / sum); }
            rows[tree.context(node)] = weights;
        }
        auto const logprobs = tree.logprobs(next);
        double total = 0.0;
        for (std::int64_t node = 0; node < tree.responses(); ++node) {
            double expected = 0.0;
            Tokens context;
            for (std::int32_t const token : tree.response(node)) {
                expected += rows.at(context)[static_cast<std::size_t>(token)];
                context.push_back(token);
            }
            double const logprob = logprobs[static_cast<std::size_t>(node)];
            EXPECT_NEAR(logprob, expected, 1e-12);
            total += std::exp(logprob);
        }
        EXPECT_NEAR(total, 1.0, 1e-12);
    }
}

TEST(Enumerable, PromptsAreWordsAndNoneBeginsAnother) {
    Enumerable const world({.prompts = 8, .tokens = 6, .length = 4}, 1);
    EXPECT_EQ(world.prompt(0), (Tokens{1, 0}));
    EXPECT_EQ(world.prompt(4), (Tokens{5, 0}));
    EXPECT_EQ(world.prompt(5), (Tokens{1, 1, 0}));
    EXPECT_EQ(world.prompt(7), (Tokens{1, 3, 0}));
    EXPECT_EQ(world.document_length(), 7);
    Enumerable const unary({.prompts = 3, .tokens = 2, .length = 1}, 1);
    EXPECT_EQ(unary.prompt(2), (Tokens{1, 1, 1, 0}));
    Enumerable const many({.prompts = 256, .tokens = 3, .length = 1}, 1);
    std::set<Tokens> prompts;
    for (std::int64_t p = 0; p < many.prompts(); ++p) {
        auto const prompt = many.prompt(p);
        prompts.insert(prompt);
        for (std::size_t n = 1; n < prompt.size(); ++n) { EXPECT_NE(prompt[n - 1], ResponseTree::end); }
        EXPECT_EQ(prompt.back(), ResponseTree::end);
    }
    EXPECT_EQ(prompts.size(), 256U);
}

// Over worlds: mean 0, standard deviation reward_spread, whatever the length; never beyond the bound.
TEST(Enumerable, RewardsAreBoundedAndOfOneScale) {
    config::EnumerableConfig const config{.prompts = 1, .tokens = 6, .length = 4, .reward_spread = 0.5};
    double const bound = 0.5 * std::sqrt(6.0 * 4.0);
    for (Tokens const& response : {Tokens{0}, Tokens{2, 0}, Tokens{3, 3, 3, 3}}) {
        double sum = 0.0, squares = 0.0;
        int const worlds = 4000;
        for (int w = 0; w < worlds; ++w) {
            double const reward = Enumerable(config, static_cast<std::uint64_t>(w)).reward(0, response);
            EXPECT_LE(std::fabs(reward), bound);
            sum += reward;
            squares += reward * reward;
        }
        EXPECT_NEAR(sum / worlds, 0.0, 0.03);
        EXPECT_NEAR(std::sqrt(squares / worlds), 0.5, 0.03);
    }
}

TEST(Enumerable, RewardHangsOnPromptPositionAndNeighbour) {
    Enumerable const world({.prompts = 2, .tokens = 4, .length = 4}, 5),
        other({.prompts = 2, .tokens = 4, .length = 4}, 6);
    EXPECT_EQ(world.reward(0, {1, 2, 0}), world.reward(0, {1, 2, 0}));
    EXPECT_NE(world.reward(0, {1, 2, 0}), other.reward(0, {1, 2, 0}));
    EXPECT_NE(world.reward(0, {1, 2, 0}), world.reward(1, {1, 2, 0}));
    EXPECT_NE(world.reward(0, {1, 2, 0}), world.reward(0, {2, 1, 0}));
    // An interaction: the gain of one token is not the same after every neighbour.
    double const after_one = world.reward(0, {1, 2, 2, 0}) - world.reward(0, {1, 3, 2, 0});
    double const after_two = world.reward(0, {2, 2, 2, 0}) - world.reward(0, {2, 3, 2, 0});
    EXPECT_GT(std::fabs(after_one - after_two), 1e-3);
    Enumerable const flat({.prompts = 2, .tokens = 4, .length = 4, .reward_spread = 0.0}, 5);
    EXPECT_EQ(flat.reward(0, {1, 2, 0}), 0.0);
}

TEST(Enumerable, CorpusIsUnevenButSpreadAndOfOneLength) {
    Enumerable const world({.prompts = 3, .tokens = 4, .length = 3, .corpus_spread = 0.7}, 2);
    core::RandomStream const stream(1, "test");
    std::map<Tokens, int> counts;
    int const drawn = 20000;
    for (int i = 0; i < drawn; ++i) {
        core::Draws draws(stream, 0, static_cast<std::uint32_t>(i));
        ++counts[world.draw_response(1, draws)];
    }
    EXPECT_EQ(static_cast<std::int64_t>(counts.size()), world.responses().responses());  // all 40 occur
    int most = 0;
    for (auto const& [response, count] : counts) { most = std::max(most, count); }
    EXPECT_LT(most, drawn / 2);
    EXPECT_GT(most, drawn / 20);  // even would be a 64th to a quarter, by length
    core::Draws draws(stream, 1);
    for (int i = 0; i < 50; ++i) {
        auto const document = world.document(draws);
        EXPECT_EQ(static_cast<std::int64_t>(document.size()), world.document_length());
        for (std::int32_t const token : document) { EXPECT_LT(token, 4); }
    }
}

}  // namespace
}  // namespace alignsweep::world
