// SPDX-License-Identifier: Apache-2.0
#include "data/jsonl.hpp"

#include "data/chat.hpp"
#include "data/json_rows.hpp"
#include "data/row_value.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace alignsweep::data {
namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

// An answer to a prompt as text; nothing where it is empty.
std::optional<std::string> answer_text(char const* key, Value const& answer) {
    if (!answer.conversational) { return is_blank(answer.text) ? std::nullopt : std::optional(answer.text); }
    auto const empty = [](Message const& message) { return is_blank(message.content); };
    if (std::all_of(answer.messages.begin(), answer.messages.end(), empty)) { return std::nullopt; }
    if (answer.messages.front().role != Role::assistant) {
        JsonRow::fail("key '", key, "' does not begin with a message of the assistant, which alone is allowed there");
    }
    return render_answer(answer.messages);
}

std::string prompt_text(Value const& prompt) {
    return prompt.conversational ? render_prompt(prompt.messages) : prompt.text;
}

void need_one_kind(char const* key, Value const& value, char const* other_key, Value const& other) {
    if (value.conversational != other.conversational) {
        auto const kind = [](Value const& v) { return v.conversational ? "a list of messages" : "a string"; };
        JsonRow::fail("key '", key, "' is ", kind(value), ", but '", other_key, "' is ", kind(other),
                      "; two of one kind are allowed");
    }
}

// Moves what both answers begin with to a prompt; false where an answer has nothing else.
bool split_prompt(Value& prompt, Value& chosen, Value& rejected) {
    prompt = {chosen.conversational, {}, {}};
    if (!chosen.conversational) {
        std::size_t const length = shared_prompt(chosen.text, rejected.text);
        prompt.text = chosen.text.substr(0, length);
        chosen.text.erase(0, length);
        rejected.text.erase(0, length);
        return true;
    }
    std::ptrdiff_t const length = shared_messages(chosen.messages, rejected.messages);
    if (length < 0) {
        std::size_t const shorter = std::min(chosen.messages.size(), rejected.messages.size());
        bool const one_is_prefix =
            std::equal(chosen.messages.begin(), chosen.messages.begin() + static_cast<std::ptrdiff_t>(shorter),
                       rejected.messages.begin());
        if (one_is_prefix) { return false; }
        JsonRow::fail(
            "'chosen' and 'rejected' differ before any message of the assistant; without a 'prompt', only "
            "conversations that share their beginning up to one are allowed");
    }
    prompt.messages.assign(chosen.messages.begin(), chosen.messages.begin() + length);
    chosen.messages.erase(chosen.messages.begin(), chosen.messages.begin() + length);
    rejected.messages.erase(rejected.messages.begin(), rejected.messages.begin() + length);
    return true;
}

std::optional<Completion> read_answer(Value const& prompt, Value const& completion, ReadCounts& counts) {
    need_one_kind("prompt", prompt, "completion", completion);
    counts.conversational += completion.conversational ? 1 : 0;
    auto text = answer_text("completion", completion);
    if (!text) {
        ++counts.empty_completion;
        return std::nullopt;
    }
    return Completion{prompt_text(prompt), std::move(*text)};
}

std::optional<Completion> read_messages(JsonRow const& row, ReadCounts& counts) {
    Value const whole = read_value(row, "messages");
    if (!whole.conversational) { JsonRow::fail("key 'messages' is a string; a list of messages is allowed"); }
    auto const is_answer = [](Message const& message) { return message.role == Role::assistant; };
    auto const last = std::find_if(whole.messages.rbegin(), whole.messages.rend(), is_answer);
    if (last == whole.messages.rend()) {
        JsonRow::fail("key 'messages' holds no message of the assistant; a conversation with an answer is allowed");
    }
    return read_answer({true, {}, {whole.messages.begin(), last.base() - 1}}, {true, {}, {*last}}, counts);
}

std::optional<Completion> read_completion(JsonRow const& row, ReadCounts& counts) {
    if (!row.has("completion") && row.has("messages")) { return read_messages(row, counts); }
    Value const prompt = read_value(row, "prompt");
    return read_answer(prompt, read_value(row, "completion"), counts);
}

std::optional<Thumb> read_thumb(JsonRow const& row, ReadCounts& counts) {
    bool const label = row.flag("label");  // first: a wrong label is an error even in a row that is dropped
    Value const prompt = read_value(row, "prompt");
    auto answer = read_answer(prompt, read_value(row, "completion"), counts);
    if (!answer) { return std::nullopt; }
    return Thumb{std::move(answer->prompt), std::move(answer->completion), label};
}

std::optional<Preference> read_preference(JsonRow const& row, ReadCounts& counts) {
    Value chosen = read_value(row, "chosen");
    Value rejected = read_value(row, "rejected");
    need_one_kind("chosen", chosen, "rejected", rejected);
    Value prompt;
    bool explicit_prompt = row.has("prompt");
    if (explicit_prompt) {
        prompt = read_value(row, "prompt");
        if (chosen.conversational && !prompt.conversational) { explicit_prompt = false; }
    }
    if (explicit_prompt) { need_one_kind("prompt", prompt, "chosen", chosen); }
    counts.conversational += chosen.conversational ? 1 : 0;

    std::optional<std::string> better;
    std::optional<std::string> worse;
    if (explicit_prompt || split_prompt(prompt, chosen, rejected)) {
        better = answer_text("chosen", chosen);
        worse = answer_text("rejected", rejected);
    }
    if (!better || !worse) {
        ++counts.empty_completion;
        return std::nullopt;
    }
    if (*better == *worse) {
        ++counts.equal_answers;
        return std::nullopt;
    }
    return Preference{prompt_text(prompt), std::move(*better), std::move(*worse)};
}

}  // namespace

Rows<Completion> read_completions(std::filesystem::path const& file, BadRows bad_rows) {
    return collect_rows<Completion>(file, "'prompt' and 'completion', or 'messages'", bad_rows, read_completion);
}

Rows<Preference> read_preferences(std::filesystem::path const& file, BadRows bad_rows) {
    return collect_rows<Preference>(file, "'chosen' and 'rejected' (and 'prompt', unless they share it)", bad_rows,
                                    read_preference);
}

Rows<Thumb> read_thumbs(std::filesystem::path const& file, BadRows bad_rows) {
    return collect_rows<Thumb>(file, "'prompt', 'completion' and 'label'", bad_rows, read_thumb);
}

}  // namespace alignsweep::data
