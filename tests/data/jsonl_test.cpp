// SPDX-License-Identifier: Apache-2.0
#include "data/jsonl.hpp"
#include "temporary.hpp"

#include <gtest/gtest.h>

namespace alignsweep::data {
namespace {

// Reads `text` with one of the readers, which must fail and name the file and `line`.
template <class Reader>
std::string error_of(Reader reader, std::string const& text, int line) {
    test::TemporaryFolder const folder;
    auto const file = folder.write("data.jsonl", text);
    auto const message = test::message_of<core::IoError>([&] { (void)reader(file, BadRows::error); });
    test::expect_contains(message, file.string() + ":" + std::to_string(line) + ": ");
    return message;
}

template <class Reader>
auto read(Reader reader, std::string const& text, BadRows bad_rows = BadRows::error) {
    test::TemporaryFolder const folder;
    return reader(folder.write("data.jsonl", text), bad_rows);
}

using core::concat;

std::string user(std::string const& text) { return concat(R"({"role": "user", "content": ")", text, R"("})"); }
std::string assistant(std::string const& text) {
    return concat(R"({"role": "assistant", "content": ")", text, R"("})");
}
// A conversation.
template <class... More>
std::string list(std::string const& first, More const&... more) {
    return concat("[", first, concat(",", more)..., "]");
}

TEST(Jsonl, CompletionsOfBothKinds) {
    auto const [rows, lines, counts] =
        read(read_completions, R"({"prompt": "The sky is", "completion": " blue\n", "id": 3}

{"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}], "completion": [{"role": "assistant", "content": "4"}]}
{"prompt": "", "completion": "caf\u00e9"})");
    EXPECT_EQ(rows, (std::vector<Completion>{{"The sky is", " blue\n"},
                                             {"System: Be brief.\nUser: 2+2?\nAssistant:", " 4"},
                                             {"", "caf\xc3\xa9"}}));
    EXPECT_EQ(counts.rows, 3);
    EXPECT_EQ(counts.empty_completion, 0);
}

TEST(Jsonl, LongerConversationsAreOneText) {
    auto const [rows, lines, counts] =
        read(read_completions, concat(R"({"prompt": )", list(user("a"), assistant("b"), user("c")),
                                      R"(, "completion": )", list(assistant("d"), user("e"), assistant("f")), "}"));
    EXPECT_EQ(rows,
              (std::vector<Completion>{{"User: a\nAssistant: b\nUser: c\nAssistant:", " d\nUser: e\nAssistant: f"}}));
}

TEST(Jsonl, EmptyCompletionsAreDroppedAndCounted) {
    auto const [rows, lines, counts] = read(read_completions, R"({"prompt": "a", "completion": ""}
{"prompt": "a", "completion": " \n"}
{"prompt": [], "completion": []}
{"prompt": [], "completion": [{"role": "assistant", "content": ""}]}
{"prompt": "a", "completion": "b"})");
    EXPECT_EQ(rows, (std::vector<Completion>{{"a", "b"}}));
    EXPECT_EQ(counts.rows, 5);
    EXPECT_EQ(counts.empty_completion, 4);
}

TEST(Jsonl, LineEndsAndGzip) {
    std::string const text =
        "{\"prompt\": \"a\", \"completion\": \"b\"}\r\n\r\n{\"prompt\": \"c\", \"completion\": \"d\"}\r\n";
    std::vector<Completion> const expected{{"a", "b"}, {"c", "d"}};
    EXPECT_EQ(read(read_completions, text).rows, expected);
    test::TemporaryFolder const folder;
    EXPECT_EQ(read_completions(folder.write_gzip("data.jsonl.gz", text)).rows, expected);
}

TEST(Jsonl, ThumbsOfOneOrBothClasses) {
    auto const both = read(read_thumbs, R"({"prompt": "a", "completion": "b", "label": true}
{"prompt": "a", "completion": "c", "label": false}
{"prompt": "a", "completion": "", "label": false}
{"prompt": [{"role": "user", "content": "x"}], "completion": [{"role": "assistant", "content": "y"}], "label": true})");
    EXPECT_EQ(both.rows,
              (std::vector<Thumb>{{"a", "b", true}, {"a", "c", false}, {"User: x\nAssistant:", " y", true}}));
    EXPECT_EQ(both.counts.empty_completion, 1);
    EXPECT_EQ(read(read_thumbs, R"({"prompt": "a", "completion": "b", "label": true})").rows.size(), 1U);
}

TEST(Jsonl, ALabelIsABoolean) {
    for (std::string const label : {"1", "0", "\"true\"", "null", "1.0", "[true]"}) {
        SCOPED_TRACE(label);
        std::string const good = "{\"prompt\": \"a\", \"completion\": \"b\", \"label\": true}\n";
        auto const message =
            error_of(read_thumbs, good + "{\"prompt\": \"a\", \"completion\": \"b\", \"label\": " + label + "}", 2);
        test::expect_contains(message, "'label'");
        test::expect_contains(message, "true or false is allowed");
    }
}

TEST(Jsonl, ExplicitPreferences) {
    auto const [rows, lines, counts] =
        read(read_preferences, R"({"prompt": "The sky is", "chosen": " blue", "rejected": " red"}
{"prompt": "p", "chosen": "same start x", "rejected": "same start y"}
{"prompt": "p", "chosen": "equal", "rejected": "equal"}
{"prompt": "p", "chosen": "", "rejected": "b"}
{"prompt": "p", "chosen": "b", "rejected": ""}
{"prompt": "p", "chosen": "", "rejected": ""}
{"prompt": [{"role": "user", "content": "q"}], "chosen": [{"role": "assistant", "content": "1"}], "rejected": [{"role": "assistant", "content": "2"}]})");
    EXPECT_EQ(rows, (std::vector<Preference>{{"The sky is", " blue", " red"},
                                             {"p", "same start x", "same start y"},
                                             {"User: q\nAssistant:", " 1", " 2"}}));
    EXPECT_EQ(counts.rows, 7);
    EXPECT_EQ(counts.equal_answers, 1);
    EXPECT_EQ(counts.empty_completion, 3);
}

Preference implicit(std::string const& chosen, std::string const& rejected) {
    auto const result = read(read_preferences, "{\"chosen\": " + chosen + ", \"rejected\": " + rejected + "}");
    return result.rows.at(0);
}

TEST(ImplicitPrompt, StandardFollowsTrl) {
    EXPECT_EQ(implicit(R"("The sky is blue.")", R"("The sky is green.")"),
              (Preference{"The sky is", " blue.", " green."}));
    EXPECT_EQ(implicit(R"("The sky is blue.")", R"("The sky is black.")"),
              (Preference{"The sky is bl", "ue.", "ack."}));
    EXPECT_EQ(implicit(R"("red")", R"("blue")"), (Preference{"", "red", "blue"}));
    // One answer is the beginning of the other: its last character stays with the answers.
    EXPECT_EQ(implicit(R"("It is blue.")", R"("It is blue. Or so.")"), (Preference{"It is blue", ".", ". Or so."}));
    EXPECT_EQ(implicit(R"("a")", R"("ab")"), (Preference{"", "a", "ab"}));
}

TEST(ImplicitPrompt, NeverCutsAUtf8Sequence) {
    // U+00E9 and U+00E8 share their first byte.
    EXPECT_EQ(implicit("\"x\xc3\xa9\"", "\"x\xc3\xa8\""), (Preference{"x", "\xc3\xa9", "\xc3\xa8"}));
    EXPECT_EQ(implicit("\"x\xc3\xa9\"", "\"x\xc3\xa9y\""), (Preference{"x", "\xc3\xa9", "\xc3\xa9y"}));
}

TEST(ImplicitPrompt, EndsAtTheLastSharedAssistantMarker) {
    EXPECT_EQ(implicit(R"("\n\nHuman: Hi\n\nAssistant: I am well")", R"("\n\nHuman: Hi\n\nAssistant: I am not")"),
              (Preference{"\n\nHuman: Hi\n\nAssistant:", " I am well", " I am not"}));
    // Turns before are the prompt's; a reply that one answer has alone is not.
    EXPECT_EQ(implicit(R"("\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: yes")",
                       R"("\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: yes\n\nHuman: d\n\nAssistant: e")"),
              (Preference{"\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:", " yes",
                          " yes\n\nHuman: d\n\nAssistant: e"}));
    EXPECT_EQ(implicit(R"("Assistant: a")", R"("Assistant: b")"), (Preference{"Assistant:", " a", " b"}));
    // A marker counts at the beginning of a line only.
    EXPECT_EQ(implicit(R"("An Assistant: may say x")", R"("An Assistant: may say y")"),
              (Preference{"An Assistant: may say", " x", " y"}));
}

TEST(ImplicitPrompt, ConversationsShareTheirLeadingMessages) {
    EXPECT_EQ(implicit(list(user("q"), assistant("same x")), list(user("q"), assistant("same y"))),
              (Preference{"User: q\nAssistant:", " same x", " same y"}));
    EXPECT_EQ(implicit(list(assistant("x")), list(assistant("y"))), (Preference{"Assistant:", " x", " y"}));
    // The answers differ in the user's next message: back to the assistant's last shared message.
    EXPECT_EQ(implicit(list(user("q"), assistant("a"), user("c"), assistant("d")),
                       list(user("q"), assistant("a"), user("e"), assistant("f"))),
              (Preference{"User: q\nAssistant:", " a\nUser: c\nAssistant: d", " a\nUser: e\nAssistant: f"}));
    EXPECT_EQ(implicit(list(user("q"), assistant("a")), list(user("q"), assistant("a"), user("c"), assistant("d"))),
              (Preference{"User: q\nAssistant:", " a", " a\nUser: c\nAssistant: d"}));
}

TEST(ImplicitPrompt, ATextPromptBesideConversationsIsIgnored) {
    auto const result = read(read_preferences, concat(R"({"prompt": "q", "chosen": )", list(user("q"), assistant("x")),
                                                      R"(, "rejected": )", list(user("q"), assistant("y")), "}"));
    EXPECT_EQ(result.rows, (std::vector<Preference>{{"User: q\nAssistant:", " x", " y"}}));
}

TEST(ImplicitPrompt, DropsEqualAndEmptyAnswers) {
    std::string const texts = R"({"chosen": "same", "rejected": "same"}
{"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: b"}
{"chosen": "\n\nHuman: a\n\nAssistant:", "rejected": "\n\nHuman: a\n\nAssistant: b"}
{"chosen": "", "rejected": "b"}
{"chosen": [], "rejected": []}
{"chosen": "x", "rejected": "y"}
)";
    auto const pair = [](std::string const& chosen, std::string const& rejected) {
        return concat(R"({"chosen": )", chosen, R"(, "rejected": )", rejected, "}\n");
    };
    auto const result = read(read_preferences, concat(texts, pair(list(user("q")), list(user("q"), assistant("a"))),
                                                      pair(list(assistant("a")), list(assistant("a")))));
    EXPECT_EQ(result.rows, (std::vector<Preference>{{"", "x", "y"}}));
    EXPECT_EQ(result.counts.rows, 8);
    EXPECT_EQ(result.counts.equal_answers, 3);
    EXPECT_EQ(result.counts.empty_completion, 4);
}

TEST(Jsonl, MalformedLinesNameFileAndLine) {
    std::string const good = "{\"prompt\": \"a\", \"completion\": \"b\"}\n";
    test::expect_contains(error_of(read_completions, good + "{\"prompt\": ", 2), "not valid JSON");
    test::expect_contains(error_of(read_completions, good + "\n\nnot json", 4), "not valid JSON at byte");
    test::expect_contains(error_of(read_completions, good + "{\"prompt\": \"\xff\", \"completion\": \"b\"}", 2),
                          "JSON");
    test::expect_contains(error_of(read_completions, good + "[1, 2]\n", 2), "of type array");
    test::expect_contains(error_of(read_completions, good + "{\"prompt\": \"a\"}", 2), "key 'completion' is missing");
    test::expect_contains(error_of(read_completions, "{\"completion\": \"a\"}", 1), "needs 'prompt' and 'completion'");
    test::expect_contains(error_of(read_completions, "{\"prompt\": 3, \"completion\": \"a\"}", 1), "of type number");
    test::expect_contains(error_of(read_completions, "{\"prompt\": null, \"completion\": \"a\"}", 1), "of type null");
    test::expect_contains(error_of(read_thumbs, good, 1), "key 'label' is missing");
    test::expect_contains(error_of(read_preferences, good, 1), "key 'chosen' is missing");
    test::expect_contains(error_of(read_preferences, "{\"prompt\": \"a\", \"chosen\": \"b\"}", 1), "key 'rejected'");
}

TEST(Jsonl, WrongConversationsNameFileAndLine) {
    auto const completion = [](std::string const& prompt, std::string const& answer) {
        return error_of(read_completions, "{\"prompt\": " + prompt + ", \"completion\": " + answer + "}", 1);
    };
    std::string const good = list(assistant("x"));
    test::expect_contains(completion("\"a\"", good), "'prompt' is a string, but 'completion' is a list of messages");
    test::expect_contains(completion("[3]", good), "no text under 'role'");
    test::expect_contains(completion("[{\"role\": \"user\"}]", good), "no text under 'content'");
    test::expect_contains(completion("[{\"role\": \"user\", \"content\": []}]", good), "no text under 'content'");
    test::expect_contains(completion("[{\"role\": \"bo\\nt\", \"content\": \"\"}]", good), "role \"bo\\nt\"");
    test::expect_contains(completion("[]", list(user("x"))), "does not begin with a message of the assistant");
    auto const message = error_of(
        read_preferences, concat("{\"chosen\": ", list(user("x")), ", \"rejected\": ", list(user("y")), "}"), 1);
    test::expect_contains(message, "differ before any message of the assistant");
    test::expect_contains(error_of(read_preferences, "{\"chosen\": \"x\", \"rejected\": " + good + "}", 1),
                          "'chosen' is a string, but 'rejected' is a list of messages");
    test::expect_contains(error_of(read_preferences, "{\"prompt\": [], \"chosen\": \"x\", \"rejected\": \"y\"}", 1),
                          "'prompt' is a list of messages, but 'chosen' is a string");
}

TEST(Jsonl, FilesWithoutAUsableRow) {
    test::expect_contains(error_of(read_completions, "\n\n", 2), "without a usable row (rows: 0");
    auto const message = error_of(read_preferences, "{\"prompt\": \"p\", \"chosen\": \"x\", \"rejected\": \"x\"}\n", 1);
    test::expect_contains(message, "(rows: 1, with an empty completion: 0, with equal answers: 1)");
    test::TemporaryFolder const folder;
    auto const empty = folder.write("empty.jsonl", "");
    test::expect_contains(test::message_of<core::IoError>([&] { (void)read_thumbs(empty); }), "empty.jsonl: is empty");
    auto const missing = folder.path() / "missing.jsonl";
    test::expect_contains(test::message_of<core::IoError>([&] { (void)read_thumbs(missing); }), "no such file");
}

}  // namespace
}  // namespace alignsweep::data
