// SPDX-License-Identifier: Apache-2.0
#include "world/words.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace alignsweep::world {
namespace {

using Tokens = std::vector<std::string>;

TEST(Text, SplitsAtSpaceAndMarks) {
    EXPECT_EQ(tokens(" Mira eats plums .\n"), (Tokens{"mira", "eats", "plums", "."}));
    EXPECT_EQ(tokens("Go away,you\tFOOL!?"), (Tokens{"go", "away", ",", "you", "fool", "!", "?"}));
    EXPECT_EQ(tokens(""), Tokens{});
    EXPECT_EQ(tokens(" \n\r\t "), Tokens{});
    EXPECT_EQ(tokens("a\xff\x80 b"), (Tokens{"a\xff\x80", "b"}));
    EXPECT_EQ(tokens(std::string_view("a\0b", 3)), (Tokens{std::string("a\0b", 3)}));
}

TEST(Text, CountsWordsWithoutMarks) {
    EXPECT_EQ(count_words(tokens(" You need a brush , and a rag .")), 7u);
    EXPECT_EQ(count_words(tokens(" . ? !")), 0u);
}

TEST(Text, FindsPhrasesOfWholeWords) {
    auto const text = tokens(" I can not help with that .");
    EXPECT_TRUE(contains(text, "can not help"));
    EXPECT_TRUE(contains(text, "I"));
    EXPECT_TRUE(contains(text, "that ."));
    EXPECT_FALSE(contains(text, "can help"));
    EXPECT_FALSE(contains(text, "hel"));
    EXPECT_FALSE(contains(text, ""));
    EXPECT_FALSE(contains({}, "help"));
}

TEST(Words, FillReplacesBoth) {
    EXPECT_EQ(words::fill("a {0} and {1} , {0}", "x", "yy"), "a x and yy , x");
    EXPECT_EQ(words::fill("none", "x"), "none");
}

TEST(Words, AnswerWordsAreDistinct) {
    std::set<std::string> seen;
    auto const add = [&seen](auto const& list) {
        for (auto const word : list) { EXPECT_TRUE(seen.insert(tokens(word).at(0)).second) << word; }
    };
    for (auto const& attribute : words::attributes) { add(attribute.values); }
    for (auto const& action : words::actions) { add(action.answers); }
    add(words::tools);
    add(words::listed_objects);
    add(words::harmless_verbs);
    add(words::unsafe_verbs);
    add(words::days);
}

TEST(Words, MadeWordsAreDistinct) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < 1000; ++i) { EXPECT_TRUE(seen.insert(words::made_word(i)).second); }
}

TEST(Words, NamesRunToTheLargestWorld) {
    std::vector<std::size_t> codes(words::name_codes);
    std::iota(codes.begin(), codes.end(), std::size_t{0});
    auto const names = words::make_names(codes, 4096);
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 4096u);
    EXPECT_THROW((void)words::make_names(codes, words::name_codes), std::logic_error);
}

}  // namespace
}  // namespace alignsweep::world
