// SPDX-License-Identifier: Apache-2.0
#include "core/json.hpp"
#include "core/error.hpp"

#include <gtest/gtest.h>

namespace {

using alignsweep::core::deepest_json;
using alignsweep::core::IoError;
using alignsweep::core::Json;
using alignsweep::core::parse_json;

std::string error_of(std::string const& text, std::int64_t line = 0) {
    try {
        static_cast<void>(parse_json(text, "some file.json", line));
    } catch (IoError const& error) { return error.what(); }
    return "no error";
}

TEST(Json, ReadsWhatTheParserReads) {
    std::string const text = R"({"a": [1, -2, 2.5, true, null, {"b": "\u00e9\n"}], "c": {}, "d": []})";
    EXPECT_EQ(parse_json(text, "f"), Json::parse(text));
    EXPECT_EQ(parse_json("3", "f"), Json(3));
    EXPECT_EQ(parse_json("18446744073709551615", "f").get<std::uint64_t>(), 18446744073709551615ULL);
    EXPECT_EQ(parse_json("\xEF\xBB\xBF{}", "f"), Json::object());
}

TEST(Json, NumbersOfPythonAreNullOutsideStrings) {
    EXPECT_EQ(parse_json(R"({"x": NaN, "y": [Infinity, -Infinity, 1], "z": "NaN \" Infinity"})", "f"),
              Json::parse(R"({"x": null, "y": [null, null, 1], "z": "NaN \" Infinity"})"));
    // The place is that of the text as it stands in the file.
    EXPECT_EQ(error_of(R"({"x": NaN, "y": })", 7),
              "some file.json:7: field 'y': not valid JSON at byte 17 of the line");
}

TEST(Json, DepthIsBounded) {
    auto const nested = [](int levels) {
        return std::string(static_cast<std::size_t>(levels), '[') + std::string(static_cast<std::size_t>(levels), ']');
    };
    EXPECT_NO_THROW(static_cast<void>(parse_json(nested(deepest_json), "f")));
    EXPECT_EQ(error_of("{\"deep\":\n" + nested(deepest_json) + "}").substr(0, 43),
              "some file.json:2: field 'deep[0][0][0][0][0");
    for (int const levels : {deepest_json + 1, 75'000, 3'000'000}) {
        std::string const error = error_of(nested(levels), 3);
        EXPECT_TRUE(error.starts_with("some file.json:3: field '[0][0]")) << error;
        EXPECT_TRUE(error.ends_with("deeper than 200 levels, which are allowed")) << error;
        EXPECT_LT(error.size(), 300U);
    }
    EXPECT_NE(error_of(std::string(75'000, '[')), "no error");
    std::string objects;
    for (int i = 0; i < 75'000; ++i) { objects += "{\"k\":"; }
    EXPECT_NE(error_of(objects).find("deeper than"), std::string::npos);
}

TEST(Json, ErrorsNameFileLineAndField) {
    EXPECT_EQ(error_of("{\"a\": 1,\n \"b\": {\"c\": [0, 1e400]}}"),
              "some file.json:2: field 'b.c[1]': the number 1e400 is beyond the range of a double");
    EXPECT_EQ(error_of("{\"a\": -1e999}", 12),
              "some file.json:12: field 'a': the number -1e999 is beyond the range of a "
              "double");
    EXPECT_EQ(error_of("1e400\n\n\n"), "some file.json:1: the number 1e400 is beyond the range of a double");
    EXPECT_EQ(error_of("{\"a\":\n\n1, \"a\": 2}"),
              "some file.json:3: field 'a': stands twice in its object; once is allowed");
    EXPECT_EQ(error_of(""), "some file.json:1: not valid JSON at byte 1");
    EXPECT_EQ(error_of("{} x"), "some file.json:1: not valid JSON at byte 4");
    EXPECT_EQ(error_of(std::string("{}\0x", 4)), "some file.json:1: not valid JSON at byte 3");
    EXPECT_EQ(error_of("\"\xFF\""), "some file.json:1: not valid JSON at byte 2");
    std::string const number(100'000, '9');
    EXPECT_LT(error_of("[" + number + number + "]").size(), 200U);
    EXPECT_LT(error_of("{\"" + number + "\": x}").size(), 200U);
}

TEST(Json, ShownIsShort) {
    EXPECT_EQ(alignsweep::core::shown(Json("a\nb")), "\"a\\nb\"");
    EXPECT_LE(alignsweep::core::shown(Json(std::string(1'000'000, 'x'))).size(), 90U);
    EXPECT_LE(alignsweep::core::shown(Json(std::vector<int>(1000, 7)), 20).size(), 23U);
}

}  // namespace
