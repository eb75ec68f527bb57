// SPDX-License-Identifier: Apache-2.0
// Conversations as plain text: one fixed template, without any model's special tokens.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace alignsweep::data {

enum class Role { system, user, assistant, tool };

struct Message {
    Role role;
    std::string content;
    bool operator==(Message const&) const = default;
};

// The template: a message is "System: ", "User: ", "Assistant: " or "Tool: " (what a tool answered) and its content,
// and messages are separated by "\n".
//   User: What is 2 + 2?
//   Assistant: 4
// A prompt is its messages, each with its newline, and the marker "Assistant:" of the answer to come.
[[nodiscard]] std::string render_prompt(std::span<Message const> messages);

// What follows a rendered prompt: " " and the content of the first message, which must be the assistant's (else
// std::logic_error), then any further messages, each after a newline. Empty for no messages.
[[nodiscard]] std::string render_answer(std::span<Message const> messages);

// The length of the prompt that two texts share ("implicit prompt"). TRL's extract_prompt takes the longest common
// prefix without a last space (and, where one text is the whole prefix, without its last character, so that no answer
// is empty). Answers that begin with the same words would lose them to the prompt; so a prompt never ends after the
// last "Assistant:" at the beginning of a line in the common prefix, and ends there in Anthropic's HH dialogues.
// Never within a UTF-8 sequence of valid texts. For equal texts: the prefix up to the marker, or 0 without one.
// Source: TRL, trl/data_utils.py, extract_prompt.
[[nodiscard]] std::size_t shared_prompt(std::string_view chosen, std::string_view rejected);

// The same for conversations: how many leading messages are the prompt, so that both answers begin with an assistant's
// message; -1 where there is no such place.
[[nodiscard]] std::ptrdiff_t shared_messages(std::span<Message const> chosen, std::span<Message const> rejected);

}  // namespace alignsweep::data
