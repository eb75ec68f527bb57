// SPDX-License-Identifier: Apache-2.0
// Text for messages: whatever a file, a name or the command line holds, a message stays one short line.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace alignsweep::core {

// `text` on one line: control characters, line separators, marks that turn the direction of writing and bytes that are
// not UTF-8 are escaped (\n, \t, \x1b, \u2028). Printable text of any language stays as it is.
[[nodiscard]] std::string one_line(std::string_view text);

// Whether all bytes are UTF-8, as the Unicode standard has it (nothing overlong, no surrogates).
[[nodiscard]] bool is_utf8(std::string_view text);

// one_line(text), cut to `longest` bytes (with "..." at the end) at the end of a character.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t longest = 80);

// "a, b or c".
[[nodiscard]] std::string alternatives(std::span<std::string const> items);

// A whole message on one line of at most about 1,000 bytes. What is too long is cut in the middle: an unbroken word to
// 300 bytes, then the message, so that its end, which says what is allowed, stays.
[[nodiscard]] std::string message_line(std::string_view text);

}  // namespace alignsweep::core
