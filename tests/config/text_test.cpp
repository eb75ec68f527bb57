// SPDX-License-Identifier: Apache-2.0
#include "config/text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace alignsweep::config {
namespace {

using Texts = std::vector<std::string>;

TEST(ConfigText, Trims) {
    EXPECT_EQ(trim(" \ta b\r"), "a b");
    EXPECT_EQ(trim(" \t "), "");
    EXPECT_EQ(trim(""), "");
}

TEST(ConfigText, QuotesSurviveARoundTrip) {
    for (std::string const text : {"", "a", "a # b", "say \"yes\"", "\"", "\"\"", " blank "}) {
        EXPECT_EQ(unquote(quote(text)), text);
    }
    EXPECT_EQ(unquote("plain"), "plain");
    EXPECT_EQ(unquote("\""), "\"");
    EXPECT_EQ(unquote(R"("a", "b")"), R"("a", "b")");
}

TEST(ConfigText, SplitsLists) {
    EXPECT_EQ(split_list(""), Texts{});
    EXPECT_EQ(split_list("  "), Texts{});
    EXPECT_EQ(split_list("a"), Texts{"a"});
    EXPECT_EQ(split_list(" a ,b, c "), (Texts{"a", "b", "c"}));
    EXPECT_EQ(split_list("a,,b,"), (Texts{"a", "", "b", ""}));
    EXPECT_EQ(split_list(R"("a, b", c)"), (Texts{"a, b", "c"}));
}

TEST(ConfigText, ParsesIntegers) {
    EXPECT_EQ(parse_integer("0"), 0);
    EXPECT_EQ(parse_integer("-7"), -7);
    EXPECT_EQ(parse_integer("+7"), 7);
    EXPECT_EQ(parse_integer("1e4"), 10000);
    EXPECT_EQ(parse_integer("2.50e1"), 25);
    EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
    for (auto const* text : {"", " ", "1.5", "1e-1", "1e17", "0x10", "1 2", "4k", "nan", "inf", "+-1", "++1", "+"}) {
        EXPECT_FALSE(parse_integer(text)) << text;
    }
}

TEST(ConfigText, ParsesNumbers) {
    EXPECT_EQ(parse_number("0.1"), 0.1);
    EXPECT_EQ(parse_number("+.5"), 0.5);
    EXPECT_EQ(parse_number("-1e-3"), -1e-3);
    EXPECT_FALSE(std::signbit(*parse_number("-0.0")));
    for (auto const* text : {"", "nan", "inf", "-inf", "1e999", "0,5", "1x", "one", "0.1.2"}) {
        EXPECT_FALSE(parse_number(text)) << text;
    }
}

TEST(ConfigText, PrintsNumbersThatReadBackAsTheSameBits) {
    for (double const value :
         {0.0, 0.1, 1.0 / 3.0, 1e-300, 5e-324, 1.7976931348623157e308, 9007199254740993.0, 0.1 + 0.2, -2.5e-7}) {
        EXPECT_EQ(parse_number(format_number(value)), value) << format_number(value);
    }
    EXPECT_EQ(format_number(0.1), "0.1");
    EXPECT_EQ(format_number(10000.0), "10000");
}

TEST(ConfigText, CountsEdits) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("beta", "beta"), 0u);
    EXPECT_EQ(edit_distance("btea", "beta"), 1u);  // a swap is one edit
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("sitting", "kitten"), 3u);
}

TEST(ConfigText, FindsTheNearest) {
    Texts const names = {"beta", "batch", "epochs"};
    EXPECT_EQ(nearest("btea", names), "beta");
    EXPECT_EQ(nearest("epoch", names), "epochs");
    EXPECT_EQ(nearest("x", Texts{}), "");
}

}  // namespace
}  // namespace alignsweep::config
