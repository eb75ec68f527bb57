// SPDX-License-Identifier: Apache-2.0
// A value of a row: a text, or a conversation. Include in .cpp files alone (data/json_rows.hpp).
#pragma once

#include "data/chat.hpp"
#include "data/json_rows.hpp"

#include <string>
#include <vector>

namespace alignsweep::data {

// The longest text that is read, in bytes: far beyond any model's context, and a tokenizer takes up to 45 times as
// much.
inline constexpr std::size_t longest_value = std::size_t{8} << 20;

struct Value {
    bool conversational = false;
    std::string text;
    std::vector<Message> messages;
};

// The value under a key. Calls the row bad where it is missing, neither a text nor a list of messages, or where a
// message has a role, a content or calls of tools that can't be read as text (data/jsonl.hpp says what can), or where
// there is more than longest_value of it.
[[nodiscard]] Value read_value(JsonRow const& row, char const* key);

}  // namespace alignsweep::data
