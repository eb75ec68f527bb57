// SPDX-License-Identifier: Apache-2.0
#include "data/jsonl.hpp"

#include "core/error.hpp"
#include "data/chat.hpp"
#include "data/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace alignsweep::data {
namespace {

using Json = nlohmann::json;

// A text, or a conversation.
struct Value {
    bool conversational = false;
    std::string text;
    std::vector<Message> messages;
};

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

// One line of the file, and how its errors read.
class Line {
public:
    Line(std::string file, std::int64_t number, std::string_view keys)
        : file_(std::move(file)), number_(number), keys_(keys) {}

    void parse(std::string_view text) {
        try {
            json_ = Json::parse(text);
        } catch (Json::parse_error const& error) {
            fail("not valid JSON at byte ", error.byte, " of the line; one JSON object with ", keys_, " is allowed");
        }
        if (!json_.is_object()) {
            fail("the line is of type ", json_.type_name(), "; a JSON object with ", keys_, " is allowed");
        }
    }

    template <class... What>
    [[noreturn]] void fail(What const&... what) const {
        throw core::IoError(core::concat(file_, ":", number_, ": ", what...));
    }

    [[nodiscard]] bool has(char const* key) const { return json_.contains(key); }

    [[nodiscard]] Value value(char const* key) const {
        Json const& json = at(key);
        if (json.is_string()) { return {false, json.get<std::string>(), {}}; }
        if (!json.is_array()) {
            fail("key '", key, "' is of type ", json.type_name(),
                 "; a string or a list of {\"role\", \"content\"} messages is allowed");
        }
        Value value{true, {}, {}};
        for (Json const& message : json) { value.messages.push_back(read_message(key, message)); }
        return value;
    }

    [[nodiscard]] bool flag(char const* key) const {
        Json const& json = at(key);
        if (!json.is_boolean()) { fail("key '", key, "' is of type ", json.type_name(), "; true or false is allowed"); }
        return json.get<bool>();
    }

private:
    [[nodiscard]] Json const& at(char const* key) const {
        auto const found = json_.find(key);
        if (found == json_.end()) { fail("key '", key, "' is missing; a row needs ", keys_); }
        return *found;
    }

    [[nodiscard]] Message read_message(char const* key, Json const& message) const {
        auto const text = [&](char const* field) -> std::string const& {
            if (!message.is_object() || !message.contains(field) || !message.at(field).is_string()) {
                fail("a message of key '", key, "' has no text under '", field,
                     "'; {\"role\": \"system\", \"user\" or \"assistant\", \"content\": a string} is allowed");
            }
            return message.at(field).get_ref<std::string const&>();
        };
        std::string const& role = text("role");
        std::string const& content = text("content");
        if (role == "system") { return {Role::system, content}; }
        if (role == "user") { return {Role::user, content}; }
        if (role == "assistant") { return {Role::assistant, content}; }
        // dump() escapes line ends, so the error stays one line.
        fail("a message of key '", key, "' has the role ", Json(role).dump(-1, ' ', true).substr(0, 60),
             "; \"system\", \"user\" or \"assistant\" is allowed");
    }

    std::string file_;
    std::int64_t number_;
    std::string_view keys_;
    Json json_;
};

// An answer to a prompt as text; nothing where it is empty.
std::optional<std::string> answer_text(Line const& line, char const* key, Value const& answer) {
    if (!answer.conversational) { return is_blank(answer.text) ? std::nullopt : std::optional(answer.text); }
    auto const empty = [](Message const& message) { return is_blank(message.content); };
    if (std::all_of(answer.messages.begin(), answer.messages.end(), empty)) { return std::nullopt; }
    if (answer.messages.front().role != Role::assistant) {
        line.fail("key '", key, "' does not begin with a message of the assistant, which alone is allowed there");
    }
    return render_answer(answer.messages);
}

std::string prompt_text(Value const& prompt) {
    return prompt.conversational ? render_prompt(prompt.messages) : prompt.text;
}

void need_one_kind(Line const& line, char const* key, Value const& value, char const* other_key, Value const& other) {
    if (value.conversational != other.conversational) {
        auto const kind = [](Value const& v) { return v.conversational ? "a list of messages" : "a string"; };
        line.fail("key '", key, "' is ", kind(value), ", but '", other_key, "' is ", kind(other),
                  "; two of one kind are allowed");
    }
}

// Moves what both answers begin with to a prompt; false where an answer has nothing else.
bool split_prompt(Line const& line, Value& prompt, Value& chosen, Value& rejected) {
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
        line.fail(
            "'chosen' and 'rejected' differ before any message of the assistant; without a 'prompt', only "
            "conversations that share their beginning up to one are allowed");
    }
    prompt.messages.assign(chosen.messages.begin(), chosen.messages.begin() + length);
    chosen.messages.erase(chosen.messages.begin(), chosen.messages.begin() + length);
    rejected.messages.erase(rejected.messages.begin(), rejected.messages.begin() + length);
    return true;
}

std::optional<Completion> read_completion(Line const& line, ReadCounts& counts) {
    Value const prompt = line.value("prompt");
    Value const completion = line.value("completion");
    need_one_kind(line, "prompt", prompt, "completion", completion);
    counts.conversational += completion.conversational ? 1 : 0;
    auto text = answer_text(line, "completion", completion);
    if (!text) {
        ++counts.empty_completion;
        return std::nullopt;
    }
    return Completion{prompt_text(prompt), std::move(*text)};
}

std::optional<Thumb> read_thumb(Line const& line, ReadCounts& counts) {
    bool const label = line.flag("label");  // first: a wrong label is an error even in a row that is dropped
    auto row = read_completion(line, counts);
    if (!row) { return std::nullopt; }
    return Thumb{std::move(row->prompt), std::move(row->completion), label};
}

std::optional<Preference> read_preference(Line const& line, ReadCounts& counts) {
    Value chosen = line.value("chosen");
    Value rejected = line.value("rejected");
    need_one_kind(line, "chosen", chosen, "rejected", rejected);
    Value prompt;
    bool explicit_prompt = line.has("prompt");
    if (explicit_prompt) {
        prompt = line.value("prompt");
        if (chosen.conversational && !prompt.conversational) { explicit_prompt = false; }
    }
    if (explicit_prompt) { need_one_kind(line, "prompt", prompt, "chosen", chosen); }
    counts.conversational += chosen.conversational ? 1 : 0;

    std::optional<std::string> better;
    std::optional<std::string> worse;
    if (explicit_prompt || split_prompt(line, prompt, chosen, rejected)) {
        better = answer_text(line, "chosen", chosen);
        worse = answer_text(line, "rejected", rejected);
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

template <class Row>
Rows<Row> read_rows(std::filesystem::path const& file, std::string_view keys,
                    std::optional<Row> (*read)(Line const&, ReadCounts&)) {
    std::string const text = read_text(file);
    Rows<Row> result;
    std::int64_t number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view const bytes = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), bytes.size() + 1));
        ++number;
        if (is_blank(bytes)) { continue; }
        Line line(file.string(), number, keys);
        line.parse(bytes);
        ++result.counts.rows;
        if (auto row = read(line, result.counts)) {
            result.rows.push_back(std::move(*row));
            result.lines.push_back(number);
        }
    }
    if (result.rows.empty()) {
        ReadCounts const& counts = result.counts;
        Line(file.string(), number, keys)
            .fail("the file ends without a usable row (rows: ", counts.rows,
                  ", with an empty completion: ", counts.empty_completion,
                  ", with equal answers: ", counts.equal_answers, "); a row needs ", keys);
    }
    return result;
}

}  // namespace

Rows<Completion> read_completions(std::filesystem::path const& file) {
    return read_rows<Completion>(file, "'prompt' and 'completion'", read_completion);
}

Rows<Preference> read_preferences(std::filesystem::path const& file) {
    return read_rows<Preference>(file, "'chosen' and 'rejected' (and 'prompt', unless they share it)", read_preference);
}

Rows<Thumb> read_thumbs(std::filesystem::path const& file) {
    return read_rows<Thumb>(file, "'prompt', 'completion' and 'label'", read_thumb);
}

}  // namespace alignsweep::data
