// SPDX-License-Identifier: Apache-2.0
#include "data/chat.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>

namespace alignsweep::data {
namespace {

constexpr std::string_view assistant_marker = "Assistant:";

std::string render(Message const& message) {
    constexpr std::array names{"System: ", "User: ", "Assistant: ", "Tool: "};  // as in Role
    return names[static_cast<std::size_t>(message.role)] + message.content;
}

// End of the last marker at the beginning of a line; npos without one.
std::size_t last_marker_end(std::string_view text) {
    for (std::size_t at = text.rfind(assistant_marker); at != std::string_view::npos;
         at = text.rfind(assistant_marker, at - 1)) {
        if (at == 0 || text[at - 1] == '\n') { return at + assistant_marker.size(); }
    }
    return std::string_view::npos;
}

}  // namespace

std::string render_prompt(std::span<Message const> messages) {
    std::string text;
    for (Message const& message : messages) { text += render(message) + "\n"; }
    return text.append(assistant_marker);
}

std::string render_answer(std::span<Message const> messages) {
    std::string text;
    for (Message const& message : messages) {
        bool const first = &message == messages.data();
        core::check(!first || message.role == Role::assistant, "an answer that is not the assistant's");
        text += first ? " " : "\n";
        text += first ? message.content : render(message);
    }
    return text;
}

std::size_t shared_prompt(std::string_view chosen, std::string_view rejected) {
    std::size_t const shorter = std::min(chosen.size(), rejected.size());
    auto const shared = static_cast<std::size_t>(
        std::mismatch(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(shorter), rejected.begin()).first -
        chosen.begin());
    std::size_t const marker = last_marker_end(chosen.substr(0, shared));
    if (marker != std::string_view::npos) { return marker; }
    if (chosen == rejected) { return 0; }

    std::string_view const longer = chosen.size() > rejected.size() ? chosen : rejected;
    std::size_t const end = core::boundary(longer, shared);
    if (shared == shorter) { return end > 0 ? core::boundary(longer, end - 1) : 0; }
    return end > 0 && chosen[end - 1] == ' ' ? end - 1 : end;
}

std::ptrdiff_t shared_messages(std::span<Message const> chosen, std::span<Message const> rejected) {
    std::size_t shared = 0;
    while (shared < chosen.size() && shared < rejected.size() && chosen[shared] == rejected[shared]) { ++shared; }
    auto const answers = [&](std::span<Message const> messages, std::ptrdiff_t at) {
        return at < std::ssize(messages) && messages[static_cast<std::size_t>(at)].role == Role::assistant;
    };
    for (auto at = static_cast<std::ptrdiff_t>(shared); at >= 0; --at) {
        if (answers(chosen, at) && answers(rejected, at)) { return at; }
    }
    return -1;
}

}  // namespace alignsweep::data
