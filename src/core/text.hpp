// SPDX-License-Identifier: Apache-2.0
// Text for messages: whatever a file, a name or the command line holds, a message stays one short line.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace alignsweep::core {

// A code point of UTF-8, as the Unicode standard has it (nothing overlong, no surrogates), and its length in bytes. A
// byte that begins none is one of its own, above all others: not_unicode + byte.
struct CodePoint {
    char32_t value;
    std::size_t bytes;
};
inline constexpr char32_t not_unicode = 0x110000;
// The code point at `at` < text.size().
[[nodiscard]] CodePoint code_point(std::string_view text, std::size_t at);

// The largest place up to `at`, and to the end, that is not within a character. One has at most three bytes that
// continue it: a longer run of them is not UTF-8, and may be cut anywhere.
[[nodiscard]] std::size_t boundary(std::string_view text, std::size_t at);

// `text` on one line: control characters, line separators, marks that turn the direction of writing and bytes that are
// not UTF-8 are escaped (\n, \t, \x1b, \u2028). Printable text of any language stays as it is.
[[nodiscard]] std::string one_line(std::string_view text);

// Whether all bytes are UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text);

// one_line(text), cut to `longest` bytes (with "..." at the end) at the end of a character.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t longest = 80);

// "a, b or c".
[[nodiscard]] std::string alternatives(std::span<std::string const> items);

// A whole message on one line of at most about 1,000 bytes. What is too long is cut in the middle: an unbroken word to
// 300 bytes, then the message, so that its end, which says what is allowed, stays.
[[nodiscard]] std::string message_line(std::string_view text);

}  // namespace alignsweep::core
