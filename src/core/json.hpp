// SPDX-License-Identifier: Apache-2.0
// JSON from outside, read within bounds: whatever a file holds, the error is an IoError of one line that names file,
// line and field. Include in .cpp files alone: the parser is long to compile.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace alignsweep::core {

using Json = nlohmann::json;

// Deeper values are refused: no file that this program reads nests a tenth as deep, and a parser's stack is finite.
inline constexpr int deepest_json = 200;

// The value that `text` holds. NaN, Infinity and -Infinity, which Python's json writes, are read as null.
// `line` is the line of the file that the text is; 0: it is a whole file, and its lines are counted from 1.
// Throws IoError "FILE:LINE: ...": no JSON, nested deeper than deepest_json, a number that no double holds, or a name
// that stands twice in one object (of which programs take now the first, now the last).
[[nodiscard]] Json parse_json(std::string_view text, std::string const& file, std::int64_t line = 0);

// A configuration, a tokenizer or an index of tensors is far smaller; a larger file is something else.
inline constexpr std::uintmax_t longest_json_file = 100'000'000;

// The object that a whole file holds. Throws IoError, as parse_json does and where the file is missing, unreadable, too
// large, or holds no object.
[[nodiscard]] Json read_json_object(std::filesystem::path const& file);

// For messages: a value on one line of at most about `longest` bytes.
[[nodiscard]] std::string shown(Json const& value, std::size_t longest = 80);

}  // namespace alignsweep::core
