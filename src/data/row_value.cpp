// SPDX-License-Identifier: Apache-2.0
#include "data/row_value.hpp"

#include <map>

namespace alignsweep::data {
namespace {

using core::Json;

constexpr char const* allowed =
    "{\"role\": \"system\", \"developer\", \"user\", \"assistant\" or \"tool\", \"content\": a string} is allowed";

Message read_message(Json const& message, std::size_t number, char const* key) {
    auto const fail = [&](auto const&... what) { JsonRow::fail("message ", number, " of key '", key, "' ", what...); };
    // Null where there is none: columns of messages are filled up with null.
    auto const field = [&](char const* name) -> Json const& {
        static Json const null;
        auto const found = message.is_object() ? message.find(name) : message.end();
        return found == message.end() ? null : *found;
    };
    static std::map<std::string, Role> const roles{{"system", Role::system},
                                                   {"developer", Role::system},
                                                   {"user", Role::user},
                                                   {"assistant", Role::assistant},
                                                   {"tool", Role::tool}};
    Json const& role = field("role");
    if (!role.is_string()) { fail("has no text under 'role'; ", allowed); }
    auto const known = roles.find(role.get_ref<std::string const&>());
    if (known == roles.end()) { fail("has the role ", core::shown(role), "; ", allowed); }
    // How a call is written is a matter of each model's own template; without it the conversation would be another.
    for (char const* name : {"tool_calls", "function_call"}) {
        if (Json const& calls = field(name); !calls.is_null() && !calls.empty()) {
            fail("has '", name, "', which have no text without a model's template; messages of text are allowed ",
                 "(data.bad_rows = skip leaves such rows out)");
        }
    }
    Json const& content = field("content");
    if (content.is_string()) { return {known->second, content.get<std::string>()}; }
    if (!content.is_array() || content.empty()) { fail("has no text under 'content'; ", allowed); }
    std::string text;
    for (Json const& part : content) {
        auto const is_text = [&](char const* name) { return part.contains(name) && part.at(name).is_string(); };
        if (!part.is_object() || !is_text("type") || part.at("type") != "text" || !is_text("text")) {
            fail("has a part that is not text: ", core::shown(part),
                 "; {\"type\": \"text\", \"text\": a string} is allowed");
        }
        text += part.at("text").get_ref<std::string const&>();
    }
    return {known->second, text};
}

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
        value.messages.push_back(read_message(message, value.messages.size() + 1, key));
        bytes += value.messages.back().content.size();
    }
    check_length(bytes, key);
    return value;
}

}  // namespace alignsweep::data
