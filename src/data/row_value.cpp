// SPDX-License-Identifier: Apache-2.0
#include "data/row_value.hpp"

#include <optional>

namespace alignsweep::data {
namespace {

using core::Json;

// A message of a row, and how its errors read.
class MessageReader {
public:
    MessageReader(Json const& message, std::size_t number, char const* key)
        : message_(message), number_(number), key_(key) {}

    [[nodiscard]] Message read() const {
        Role const role = read_role();
        refuse_calls();
        return {role, read_content()};
    }

private:
    template <class... What>
    [[noreturn]] void fail(What const&... what) const {
        JsonRow::fail("message ", number_, " of key '", key_, "' ", what...);
    }

    // Null where there is none: columns of messages are filled up with null.
    [[nodiscard]] Json const& field(char const* name) const {
        static Json const null;
        auto const found = message_.is_object() ? message_.find(name) : message_.end();
        return found == message_.end() ? null : *found;
    }

    [[nodiscard]] Role read_role() const {
        Json const& json = field("role");
        if (!json.is_string()) { fail("has no text under 'role'; ", allowed); }
        auto const& role = json.get_ref<std::string const&>();
        if (role == "system" || role == "developer") { return Role::system; }
        if (role == "user") { return Role::user; }
        if (role == "assistant") { return Role::assistant; }
        if (role == "tool") { return Role::tool; }
        fail("has the role ", core::shown(json), "; ", allowed);
    }

    // How a call is written is a matter of each model's own template; without it the conversation would be another.
    void refuse_calls() const {
        for (char const* name : {"tool_calls", "function_call"}) {
            Json const& calls = field(name);
            if (!calls.is_null() && !calls.empty()) {
                fail("has '", name, "', which have no text without a model's template; messages of text are allowed ",
                     "(data.bad_rows = skip leaves such rows out)");
            }
        }
    }

    [[nodiscard]] std::string read_content() const {
        Json const& content = field("content");
        if (content.is_string()) { return content.get<std::string>(); }
        if (!content.is_array() || content.empty()) { fail("has no text under 'content'; ", allowed); }
        std::string text;
        for (Json const& part : content) {
            auto const is_text = [&](char const* name) { return part.contains(name) && part.at(name).is_string(); };
            if (!part.is_object() || !is_text("type") || part.at("type") != "text" || !is_text("text")) {
                fail("has a part that is not text: ", core::shown(part),
                     "; {\"type\": \"text\", \"text\": a string} is ", "allowed");
            }
            text += part.at("text").get_ref<std::string const&>();
        }
        return text;
    }

    static constexpr char const* allowed =
        "{\"role\": \"system\", \"developer\", \"user\", \"assistant\" or \"tool\", \"content\": a string} is allowed";

    Json const& message_;
    std::size_t number_;
    char const* key_;
};

void check_length(std::size_t bytes, char const* key) {
    if (bytes > longest_value) {
        JsonRow::fail("key '", key, "' holds more than ", longest_value >> 20, " MiB of text, which are allowed");
    }
}

}  // namespace

Value read_value(JsonRow const& row, char const* key) {
    Json const& json = row.at(key);
    if (json.is_string()) {
        check_length(json.get_ref<std::string const&>().size(), key);
        return {false, json.get<std::string>(), {}};
    }
    if (!json.is_array()) {
        JsonRow::fail("key '", key, "' is of type ", json.type_name(),
                      "; a string or a list of {\"role\", \"content\"} messages is allowed");
    }
    Value value{true, {}, {}};
    std::size_t bytes = 0;
    for (Json const& message : json) {
        value.messages.push_back(MessageReader(message, value.messages.size() + 1, key).read());
        bytes += value.messages.back().content.size();
    }
    check_length(bytes, key);
    return value;
}

}  // namespace alignsweep::data
