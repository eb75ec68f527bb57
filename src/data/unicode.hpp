// SPDX-License-Identifier: Apache-2.0
// The little of Unicode that a tokenizer.json asks for.
#pragma once

#include "core/text.hpp"

#include <string>
#include <string_view>

namespace alignsweep::data {

[[nodiscard]] bool is_letter(char32_t c);  // \p{L}
[[nodiscard]] bool is_number(char32_t c);  // \p{N}
[[nodiscard]] bool is_space(char32_t c);   // \s, the property White_Space
// What the pre-tokenizer Digits sets apart: \p{N} of a newer Unicode.
[[nodiscard]] bool is_digit(char32_t c);
[[nodiscard]] bool is_word(char32_t c);  // \w

using core::code_point;
// Its reverse: appends a code point, or the byte that a value above U+10FFFF stands for.
void append_utf8(char32_t value, std::string& to);

// Canonical composition, of the Unicode of the tokenizers library (9).
[[nodiscard]] std::string nfc(std::string_view text);

}  // namespace alignsweep::data
