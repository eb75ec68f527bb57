// SPDX-License-Identifier: Apache-2.0
#include "core/text.hpp"
#include "core/error.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace {

using namespace alignsweep::core;

TEST(Text, OneLineEscapesWhatIsNoText) {
    EXPECT_EQ(one_line(""), "");
    EXPECT_EQ(one_line("plain é 数据 🎲"), "plain é 数据 🎲");
    EXPECT_EQ(one_line("a\nb\tc\rd\x1b[31m\x7f"), "a\\nb\\tc\\rd\\x1b[31m\\x7f");
    EXPECT_EQ(one_line(std::string("nul\0", 4)), "nul\\x00");
    EXPECT_EQ(one_line("\xff\xc3"), "\\xff\\xc3");
    EXPECT_EQ(one_line("\xc0\x80 \xed\xa0\x80"), "\\xc0\\x80 \\xed\\xa0\\x80");  // overlong, a surrogate
    EXPECT_EQ(one_line("line\xe2\x80\xa8sep\xe2\x80\xaeturn"), "line\\u2028sep\\u202eturn");
}

TEST(Text, ExcerptCutsBetweenCharacters) {
    EXPECT_EQ(excerpt("short"), "short");
    EXPECT_EQ(excerpt("12345", 5), "12345");
    EXPECT_EQ(excerpt("123456", 5), "12345...");
    EXPECT_EQ(excerpt("ééé", 5), "éé...");
    EXPECT_LE(excerpt(std::string(1000, '\n'), 10).size(), 13U);
    // The cut falls into the last byte of a character: nothing is put in the place of the bytes before it.
    EXPECT_EQ(excerpt("🎲🎲", 6), "🎲...");
    EXPECT_EQ(excerpt("🎲🎲", 2), "...");
    // Bytes that only go on with a character, and none that begins one.
    EXPECT_EQ(excerpt(std::string(100, '\x94'), 8), "\\x94\\x94...");
}

TEST(Text, MessagesStayShortAndKeepTheirEnd) {
    std::string const long_word(200'000, 'x');
    std::string const message = message_line("file.ini:3: dpo.beta = " + long_word + ": not a number; allowed: > 0");
    EXPECT_LT(message.size(), 400U);
    EXPECT_TRUE(message.starts_with("file.ini:3: dpo.beta = xxx")) << message;
    EXPECT_TRUE(message.ends_with("xxx: not a number; allowed: > 0")) << message;
    std::string words;
    for (int i = 0; i < 20'000; ++i) { words += "word "; }
    std::string const cut = message_line("a: " + words + "; allowed: b");
    EXPECT_LE(cut.size(), 1003U);
    EXPECT_TRUE(cut.ends_with("; allowed: b"));
}

TEST(Text, EveryErrorIsOneLine) {
    EXPECT_STREQ(IoError("a\nb.json: \tbad").what(), "a\\nb.json: \\tbad");
    EXPECT_LT(std::string(ConfigError(std::string(100'000, 'x')).what()).size(), 1100U);
}

TEST(Text, FailureOfForeignExceptions) {
    EXPECT_EQ(failure_of(ConfigError("x")).code, ExitCode::usage);
    EXPECT_EQ(failure_of(std::bad_alloc()).code, ExitCode::io);
    EXPECT_EQ(failure_of(std::runtime_error("a\nb")).message, "a\\nb");
    try {
        static_cast<void>(std::filesystem::file_size("/no/such é"));
        FAIL();
    } catch (std::exception const& error) {
        EXPECT_EQ(failure_of(error).code, ExitCode::io);
        EXPECT_EQ(failure_of(error).message, "/no/such é: No such file or directory");
    }
}

}  // namespace
