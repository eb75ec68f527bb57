// SPDX-License-Identifier: Apache-2.0
#include "data/token_rows.hpp"
#include "temporary.hpp"

#include <gtest/gtest.h>

namespace alignsweep::data {
namespace {

using Kind = TokenRowKind;

Rows<TokenRow> read(std::string const& text, Kind kind) {
    test::TemporaryFolder const folder;
    return read_token_rows(folder.write("rows.jsonl", text), kind, 10);
}

std::string error_of(std::string const& text, Kind kind, int line) {
    test::TemporaryFolder const folder;
    auto const file = folder.write("rows.jsonl", text);
    auto const message = test::message_of<core::IoError>([&] { (void)read_token_rows(file, kind, 10); });
    test::expect_contains(message, file.string() + ":" + std::to_string(line) + ": ");
    return message;
}

TEST(TokenRows, PairsWithAndWithoutPrompt) {
    auto const rows = read(R"({"prompt_ids": [0, 9], "chosen_ids": [1], "rejected_ids": [2, 3], "more": 1}

{"chosen_ids": [4], "rejected_ids": [5]}
)",
                           Kind::pairs);
    ASSERT_EQ(rows.rows.size(), 2U);
    EXPECT_EQ(rows.rows[0].prompt, (TokenIds{0, 9}));
    EXPECT_EQ(rows.rows[0].rejected, (TokenIds{2, 3}));
    EXPECT_TRUE(rows.rows[1].prompt.empty());
    EXPECT_EQ(rows.lines, (std::vector<std::int64_t>{1, 3}));
}

TEST(TokenRows, ThumbsWithMismatchedCompletions) {
    std::string const first = R"({"prompt_ids": [1], "completion_ids": [2], "label": true, "KL_completion_ids": [3]})";
    auto const rows = read(first, Kind::thumbs);
    EXPECT_TRUE(rows.rows[0].label);
    EXPECT_EQ(rows.rows[0].mismatched, (TokenIds{3}));
    test::expect_contains(
        error_of(first + "\n" + R"({"prompt_ids": [1], "completion_ids": [2], "label": true})", Kind::thumbs, 2),
        "KL_completion_ids");
}

TEST(TokenRows, EmptyAndEqualAnswersAreCounted) {
    auto const rows = read(R"({"chosen_ids": [], "rejected_ids": [1]}
{"chosen_ids": [1], "rejected_ids": [1]}
{"chosen_ids": [1], "rejected_ids": [2]})",
                           Kind::pairs);
    EXPECT_EQ(rows.counts.rows, 3);
    EXPECT_EQ(rows.counts.empty_completion, 1);
    EXPECT_EQ(rows.counts.equal_answers, 1);
    EXPECT_EQ(rows.lines, (std::vector<std::int64_t>{3}));
}

TEST(TokenRows, Errors) {
    test::expect_contains(error_of(R"({"completion_ids": [10]})", Kind::completions, 1), "0 to 9");
    test::expect_contains(error_of(R"({"completion_ids": [-1]})", Kind::completions, 1), "-1");
    test::expect_contains(error_of(R"({"completion_ids": [1.5]})", Kind::completions, 1), "1.5");
    test::expect_contains(error_of(R"({"completion_ids": "a"})", Kind::completions, 1), "string");
    test::expect_contains(error_of(R"({"prompt_ids": [1]})", Kind::completions, 1), "completion_ids");
    test::expect_contains(error_of(R"({"completion_ids": [1], "label": 1})", Kind::thumbs, 1), "label");
    test::expect_contains(error_of("{\"completion_ids\": [1]}\n{", Kind::completions, 2), "JSON");
    test::expect_contains(error_of("[1]", Kind::completions, 1), "number");
    test::expect_contains(error_of(R"({"completion_ids": []})", Kind::completions, 1), "usable");
}

TEST(TokenRows, FirstRowTellsIdsFromTexts) {
    test::TemporaryFolder const folder;
    EXPECT_TRUE(holds_token_ids(folder.write("a", "\n{\"prompt_ids\": [1]}\n{")));
    EXPECT_FALSE(holds_token_ids(folder.write("b", R"({"prompt": "chosen_ids"})")));
}

}  // namespace
}  // namespace alignsweep::data
