// SPDX-License-Identifier: Apache-2.0
// File shapes that Hugging Face's `datasets` and TRL read beside plain JSONL, and what becomes of bad rows.
#include "data/jsonl.hpp"
#include "data/row_texts.hpp"
#include "data/token_rows.hpp"
#include "temporary.hpp"

#include <gtest/gtest.h>

namespace alignsweep::data {
namespace {

using core::concat;
using Lines = std::vector<std::int64_t>;

// In a name with a blank and letters beyond ASCII.
Rows<Preference> pairs(std::string const& text, BadRows bad_rows = BadRows::error) {
    test::TemporaryFolder const folder;
    return read_preferences(folder.write("pairs \xc3\xa9 \xe6\x95\xb0.json", text), bad_rows);
}

Rows<Completion> completions(std::string const& text, BadRows bad_rows = BadRows::error) {
    test::TemporaryFolder const folder;
    return read_completions(folder.write("sft.jsonl", text), bad_rows);
}

// The message of the error that reading `text` must end with: of one short line.
template <class Call>
std::string error_of(std::string const& text, Call&& call) {
    test::TemporaryFolder const folder;
    auto const file = folder.write("bad rows \xc3\xa9.json", text);
    auto const message = test::message_of<core::IoError>([&] { call(file); });
    test::expect_contains(message, file.string() + ":");
    EXPECT_LT(message.size(), 1200U);
    return message;
}
std::string pairs_error(std::string const& text, BadRows bad_rows = BadRows::error) {
    return error_of(text, [&](auto const& file) { (void)read_preferences(file, bad_rows); });
}
std::string sft_error(std::string const& text) {
    return error_of(text, [&](auto const& file) { (void)read_completions(file); });
}
std::string ids_error(std::string const& text) {
    return error_of(text, [&](auto const& file) { (void)read_token_rows(file, TokenRowKind::pairs, 10); });
}

std::string const a = R"({"prompt": "p", "chosen": "x ]},\" y", "rejected": "z"})";
std::string const b = R"({"prompt": "q", "chosen": "1", "rejected": "2"})";
std::vector<Preference> const both{{"p", "x ]},\" y", "z"}, {"q", "1", "2"}};

TEST(RowShapes, AnArrayOfRows) {
    for (std::string const& text :
         {concat("[", a, ",", b, "]"), concat("[", a, ", ", b, "]\n"), concat(" \n[\n", a, "\n,\n", b, "\n]\n\n"),
          concat("\xEF\xBB\xBF[", a, ",\r\n", b, "]\r\n")}) {
        SCOPED_TRACE(text);
        EXPECT_EQ(pairs(text).rows, both);
    }
    EXPECT_EQ(pairs(concat("[\n  ", a, ",\n\n  ", b, "\n]")).lines, (Lines{2, 4}));
    EXPECT_EQ(pairs(concat("[", a, ",", b, "]")).lines, (Lines{1, 1}));
    test::TemporaryFolder const folder;
    EXPECT_EQ(read_preferences(folder.write_gzip("array.json.gz", concat("[", a, ",", b, "]\n"))).rows, both);
    EXPECT_EQ(read_token_rows(folder.write("ids.json", "[{\"chosen_ids\": [1],\n \"rejected_ids\": [2]}\n]"),
                              TokenRowKind::pairs, 10)
                  .rows.size(),
              1U);
    EXPECT_TRUE(holds_token_ids(folder.path() / "ids.json"));
}

TEST(RowShapes, ObjectsOverLinesOrSeveralALine) {
    std::string const pretty = "{\n  \"prompt\": \"q\",\n  \"chosen\": \"1\",\n  \"rejected\": \"2\"\n}\n";
    EXPECT_EQ(pairs(pretty).lines, (Lines{1}));
    EXPECT_EQ(pairs("\n" + pretty + pretty).lines, (Lines{2, 7}));
    EXPECT_EQ(pairs(a + b).rows, both);
    EXPECT_EQ(pairs(a + " " + b + "\n\n").rows, both);
    EXPECT_EQ(pairs(a + "\r" + b + "\r").rows, both);
    EXPECT_EQ(pairs("{\"prompt\": \"q\",\n\"chosen\": \"1\", \"rejected\": \"2\"}").rows.size(), 1U);
    test::expect_contains(pairs_error(pretty + "stray\n" + pretty), ":6: not valid JSON");
    test::expect_contains(pairs_error(pretty + "{\n  \"prompt\": "),
                          ":6: field 'prompt': not valid JSON at byte 15 from there");
}

TEST(RowShapes, JsonlWithAByteOrderMark) {
    EXPECT_EQ(pairs("\xEF\xBB\xBF" + a + "\r\n" + b + "\r\n").rows, both);
    EXPECT_EQ(pairs(a + "\n" + b).lines, (Lines{1, 2}));
}

TEST(RowShapes, OtherEncodingsAreNamed) {
    test::TemporaryFolder const folder;
    auto const error = [&](std::string_view text) {
        auto const file = folder.write("wide.jsonl", text);
        return test::message_of<core::IoError>([&] { (void)read_preferences(file, BadRows::skip); });
    };
    using namespace std::string_view_literals;
    for (auto const text : {"\xFF\xFE{\0\"\0"sv, "\xFE\xFF\0{\0\""sv, "{\0\"\0"sv, "\0{\0\""sv}) {
        test::expect_contains(error(text), "wide.jsonl: is UTF-16");
        test::expect_contains(error(text), "UTF-8 is allowed");
    }
    for (auto const text : {"\xFF\xFE\0\0{\0\0\0"sv, "\0\0\xFE\xFF\0\0\0{"sv, "{\0\0\0"sv}) {
        test::expect_contains(error(text), "wide.jsonl: is UTF-32");
    }
}

TEST(RowShapes, BrokenArraysAreErrorsWhateverBecomesOfBadRows) {
    for (BadRows const bad_rows : {BadRows::error, BadRows::skip}) {
        test::expect_contains(pairs_error(concat("[", a, ",\n", b), bad_rows), ":2: the file ends within its array");
        test::expect_contains(pairs_error(concat("[", a, ",\n"), bad_rows), ":2: the file ends within its array");
        test::expect_contains(pairs_error("[\n", bad_rows), ":2: the file ends within its array");
        test::expect_contains(pairs_error(concat("[", a, "]\n", b), bad_rows), ":2: something follows the array");
        test::expect_contains(pairs_error("[]\n", bad_rows), ":1: the file ends without a usable row (rows: 0");
    }
    test::expect_contains(pairs_error(concat("[", a, ",\n3, ", b, "]")), ":2: the row is of type number");
    test::expect_contains(pairs_error(concat("[", a, ",]")), ":1: not valid JSON");
    test::expect_contains(pairs_error("[\"text\"]"), ":1: the row is of type string");
}

TEST(RowShapes, NumbersThatAreNotRead) {
    EXPECT_EQ(
        pairs(R"({"prompt": "p", "chosen": "NaN", "rejected": "y", "score": NaN, "more": [-Infinity, Infinity]})").rows,
        (std::vector<Preference>{{"p", "NaN", "y"}}));
    test::expect_contains(pairs_error(b + "\n" + R"({"prompt": "p", "chosen": "x", "rejected": "y", "score": 1e400})"),
                          ":2: field 'score': the number 1e400 is beyond the range of a double");
    test::expect_contains(ids_error(R"({"chosen_ids": [1, 1e400], "rejected_ids": [1]})"), "field 'chosen_ids[1]': ");
    test::expect_contains(ids_error(R"({"chosen_ids": [1, NaN], "rejected_ids": [1]})"), "'chosen_ids' holds null");
    test::expect_contains(ids_error(R"({"chosen_ids": [18446744073709551615], "rejected_ids": [1]})"),
                          "18446744073709551615");
}

TEST(RowShapes, DeepNestingIsAnErrorOfOneLine) {
    for (char const* open : {"[", "{\"a\":"}) {
        std::string deep = R"({"prompt": "p", "chosen": "x", "rejected": "y", "more": )";
        for (int i = 0; i < 100000; ++i) { deep += open; }
        test::expect_contains(pairs_error(b + "\n" + deep), ":2: field 'more");
        test::expect_contains(pairs_error(b + "\n" + deep), "deeper than 200 levels");
        test::expect_contains(ids_error(deep), "deeper than 200 levels");
        test::expect_contains(pairs_error(concat("[\n", deep, "\n]")), "ends within its array");
    }
    test::expect_contains(pairs_error(std::string(100000, '[')), "ends within its array");
    test::expect_contains(pairs_error(std::string(100000, '[') + std::string(100000, ']')), "deeper than 200 levels");
}

// A file that is unpacked to `before`, then to `mebibytes` MiB of `c`, then to `after`.
std::filesystem::path write_bomb(test::TemporaryFolder const& folder, std::string const& before, int mebibytes, char c,
                                 std::string const& after) {
    auto const bytes_of = [&](std::string const& text) {
        std::ifstream in(folder.write_gzip("member.gz", text), std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    std::string const piece = bytes_of(std::string(1U << 20, c));
    std::string all = bytes_of(before);
    for (int i = 0; i < mebibytes; ++i) { all += piece; }
    return folder.write("bomb.jsonl.gz", all + bytes_of(after));
}

TEST(RowShapes, ARowIsBounded) {
    test::TemporaryFolder const folder;
    std::string const begin = b + "\n" + R"({"prompt": "p", "chosen": "x", "rejected": ")";
    auto const error = [&](std::string const& before, int mebibytes, char c) {
        auto const file = write_bomb(folder, before, mebibytes, c, "\"}\n");
        return test::message_of<core::IoError>([&] { (void)read_preferences(file, BadRows::skip); });
    };
    test::expect_contains(error(begin, 33, 'y'), "bomb.jsonl.gz:2: the row is longer than 32 MiB, which are allowed");
    test::expect_contains(error("[" + begin.substr(b.size()), 33, 'y'), ":2: the row is longer than 32 MiB");
    test::expect_contains(error("{\n\"prompt\": \"", 33, 'y'), ":1: the row is longer than 32 MiB");
    test::expect_contains(error("", 33, '{'), ":1: the row is longer than 32 MiB");
    auto const file = write_bomb(folder, begin, 20, 'y', "\"}\n");
    test::expect_contains(test::message_of<core::IoError>([&] { (void)read_preferences(file); }),
                          ":2: key 'rejected' holds more than 8 MiB of text, which are allowed");
    EXPECT_EQ(read_preferences(file, BadRows::skip).counts.bad, 1);
    std::string const unread = concat(b.substr(0, b.size() - 1), ", \"more\": \"");
    EXPECT_EQ(read_preferences(write_bomb(folder, unread, 31, 'y', "\"}\n")).rows.size(), 1U);
}

TEST(RowShapes, UnpackingIsBounded) {
    test::TemporaryFolder const folder;
    auto const file = write_bomb(folder, "", 260, '\n', "");
    std::string const what = "is unpacked to more than 256 MiB and more than 100 times its size";
    test::expect_contains(test::message_of<core::IoError>([&] { (void)read_preferences(file); }), what);
    test::expect_contains(test::message_of<core::IoError>([&] { (void)read_text(file); }), what);
}

TEST(RowShapes, NullPromptsAreImplicit) {
    EXPECT_EQ(
        pairs(
            R"({"prompt": null, "chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"})")
            .rows,
        (std::vector<Preference>{{"\n\nHuman: a\n\nAssistant:", " b", " c"}}));
    EXPECT_EQ(
        pairs(R"({"prompt": null, "chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}],
        "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "c"}]})")
            .rows,
        (std::vector<Preference>{{"User: q\nAssistant:", " b", " c"}}));
    test::expect_contains(sft_error(R"({"prompt": null, "completion": "a"})"), "'prompt' is of type null");
    test::expect_contains(pairs_error(R"({"prompt": "a", "chosen": null, "rejected": "c"})"),
                          "'chosen' is of type null");
    test::TemporaryFolder const folder;
    auto const ids = folder.write(
        "ids.jsonl", R"({"prompt_ids": null, "completion_ids": [1], "KL_completion_ids": null, "label": true})");
    EXPECT_TRUE(read_token_rows(ids, TokenRowKind::thumbs, 10).rows.at(0).prompt.empty());
}

std::string message(std::string const& role, std::string const& rest) {
    return concat("{\"role\": \"", role, "\", ", rest, "}");
}

TEST(RowShapes, MessagesEndWithTheLastAnswer) {
    std::string const u = message("user", "\"content\": \"u\""), v = message("assistant", "\"content\": \"v\"");
    auto const of = [](std::string const& list) { return completions("{\"messages\": [" + list + "]}").rows.at(0); };
    EXPECT_EQ(of(concat(u, ",", v)), (Completion{"User: u\nAssistant:", " v"}));
    EXPECT_EQ(of(concat(u, ",", v, ",", u, ",", v)), (Completion{"User: u\nAssistant: v\nUser: u\nAssistant:", " v"}));
    EXPECT_EQ(of(concat(u, ",", v, ",", v)), (Completion{"User: u\nAssistant: v\nAssistant:", " v"}));
    EXPECT_EQ(of(concat(u, ",", v, ",", u)), (Completion{"User: u\nAssistant:", " v"}));
    EXPECT_EQ(of(v), (Completion{"Assistant:", " v"}));
    // Beside a prompt (UltraChat) the messages are the row; beside a completion they are not read.
    EXPECT_EQ(completions(concat("{\"prompt\": \"u\", \"completion\": null, \"messages\": [", u, ",", v, "]}"))
                  .rows.at(0)
                  .completion,
              " v");
    EXPECT_EQ(completions(R"({"prompt": "a", "completion": "b", "messages": 3})").rows.at(0), (Completion{"a", "b"}));
    test::expect_contains(sft_error(concat("{\"messages\": [", u, "]}")), "no message of the assistant");
    test::expect_contains(sft_error("{\"messages\": []}"), "no message of the assistant");
    test::expect_contains(sft_error("{\"messages\": \"text\"}"), "'messages' is a string");
    EXPECT_EQ(completions(concat("{\"messages\": [", u, ",", message("assistant", "\"content\": \" \""),
                                 "]}\n{\"messages\": [", u, ",", v, "]}"))
                  .counts.empty_completion,
              1);
}

TEST(RowShapes, PartsAndRolesOfMessages) {
    auto const of = [](std::string const& list) {
        return completions("{\"messages\": [" + list + "," + message("assistant", "\"content\": \"v\"") + "]}")
            .rows.at(0)
            .prompt;
    };
    EXPECT_EQ(
        of(message("user",
                   R"("content": [{"type": "text", "text": "a"}, {"type": "text", "text": " b", "image": null}])")),
        "User: a b\nAssistant:");
    EXPECT_EQ(of(message("developer", "\"content\": \"d\"")), "System: d\nAssistant:");
    EXPECT_EQ(of(message("tool", R"("name": "clock", "content": "10:45")")), "Tool: 10:45\nAssistant:");
    EXPECT_EQ(of(message("user", R"("content": "u", "tool_calls": null, "function_call": [])")), "User: u\nAssistant:");
    auto const error = [](std::string const& of) { return sft_error("{\"messages\": [" + of + "]}"); };
    test::expect_contains(error(message("user", R"("content": [{"type": "image", "url": "x"}])")),
                          "message 1 of key 'messages' has a part that is not text: {\"type\":\"image\"");
    for (char const* content : {"[]", "null", "3", "[\"a\"]", "[{\"type\": \"text\", \"text\": null}]", "{\"a\": 1}"}) {
        SCOPED_TRACE(content);
        bool const in_parts = std::string_view(content).starts_with("[") && std::string_view(content) != "[]";
        test::expect_contains(error(message("user", concat("\"content\": ", content))),
                              in_parts ? "has a part that is not text" : "has no text under 'content'");
    }
    test::expect_contains(error(message("robot", R"("content": "x")")), "has the role \"robot\"");
    test::expect_contains(error(message("assistant", R"("content": null, "tool_calls": [{"id": 1}])")),
                          "has 'tool_calls', which have no text");
    test::expect_contains(error(message("assistant", R"("content": "x", "function_call": {"name": "f"})")),
                          "has 'function_call'");
}

TEST(BadRowsAreSkipped, AndCountedAndNamed) {
    std::string const text = concat(a, "\n{\"prompt\"\n[1]\n", b, "\n{\"prompt\": \"p\", \"chosen\": \"x\"}\n\xff\n",
                                    R"({"prompt": "p", "chosen": "x", "rejected": " "})", "\n");
    auto const read = pairs(text, BadRows::skip);
    EXPECT_EQ(read.rows, both);
    EXPECT_EQ(read.lines, (Lines{1, 4}));
    EXPECT_EQ(read.counts.rows, 7);
    EXPECT_EQ(read.counts.bad, 4);
    EXPECT_EQ(read.counts.empty_completion, 1);
    std::string const notice = skipped_rows("a file.jsonl", read.counts);
    EXPECT_TRUE(notice.starts_with("a file.jsonl: 4 rows skipped: line 2 (field 'prompt': not valid JSON at byte "))
        << notice;
    test::expect_contains(notice, "line 3 (the row is of type array; ");
    test::expect_contains(notice, "), line 5 (key 'rejected' is missing; ");
    EXPECT_TRUE(notice.ends_with("), ...")) << notice;
    EXPECT_EQ(skipped_rows("a", ReadCounts()), "");
    auto const one = pairs(concat("[", a, ",", b, ",\n{}]"), BadRows::skip);
    test::expect_contains(skipped_rows("a", one.counts), "a: 1 row skipped: line 2 (key 'chosen' is missing; ");
}

TEST(BadRowsAreSkipped, WithoutATraceInTheCounts) {
    std::string const user = message("user", "\"content\": \"u\"");
    auto const read = completions(
        concat("{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": [], \"completion\": [", user, "]}\n"),
        BadRows::skip);
    EXPECT_EQ(read.counts.bad, 1);
    EXPECT_EQ(read.counts.conversational, 0);
}

TEST(BadRowsAreSkipped, ButNeverAllOfThem) {
    test::expect_contains(pairs_error("no json\nat all\n", BadRows::skip),
                          ":2: the file ends without a usable row (rows: 2");
    test::expect_contains(pairs_error("no json\nat all\n", BadRows::skip), "bad: 2, of which line 1 (not valid JSON");
    test::expect_contains(pairs_error("{}", BadRows::skip), "key 'chosen' is missing");
}

TEST(BadRowsAreSkipped, OfTokenIdsAsWell) {
    test::TemporaryFolder const folder;
    auto const file = folder.write(
        "ids.jsonl", "nothing\n{\"completion_ids\": [1]}\n{\"completion_ids\": [10]}\n{\"completion_ids\": [2]}");
    EXPECT_TRUE(holds_token_ids(file, BadRows::skip));
    auto const read = read_token_rows(file, TokenRowKind::completions, 10, BadRows::skip);
    EXPECT_EQ(read.lines, (Lines{2, 4}));
    EXPECT_EQ(read.counts.bad, 2);
}

TEST(RowShapes, LongValuesAndNamesMakeShortMessages) {
    std::string const key(100000, 'k'), breaks = "a\\nb\\tc";
    for (std::string const& row :
         {concat("{\"", key, "\": 1e400}"), concat("{\"", key, "\": 1, \"", key, "\": 2}"),
          concat("{\"", breaks, "\": 1e400}"),
          concat("{\"chosen\": [{\"role\": \"", key, breaks, "\"}], \"rejected\": \"\"}"),
          concat("{\"chosen\": [{\"role\": \"user\", \"content\": [{\"", key, "\": 1}]}], \"rejected\": 1}")}) {
        EXPECT_LT(pairs_error(row).size(), 600U);
    }
    test::expect_contains(ids_error(concat("{\"chosen_ids\": [\"", key, breaks, "\"], \"rejected_ids\": [1]}")), "...");
}

}  // namespace
}  // namespace alignsweep::data
