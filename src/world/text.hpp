// SPDX-License-Identifier: Apache-2.0
// Reading a response: the words and punctuation marks that every exact value is computed from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::world {

// Words and marks in order, in lower case (ASCII). Space, tab and line ends separate; each of . , ? ! is a mark of its
// own, attached or not; any other byte is part of a word.
[[nodiscard]] std::vector<std::string> tokens(std::string_view text);

[[nodiscard]] bool is_mark(std::string_view token);

// Tokens that are not marks.
[[nodiscard]] std::size_t count_words(std::vector<std::string> const& tokens);

// Whether the tokens of `phrase` occur in a row. An empty phrase does not occur.
[[nodiscard]] bool contains(std::vector<std::string> const& text, std::string_view phrase);

}  // namespace alignsweep::world
