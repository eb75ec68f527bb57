// SPDX-License-Identifier: Apache-2.0
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace alignsweep::core {

namespace {

constexpr std::size_t longest_word = 300, longest_message = 1000;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// C1 controls, separators of lines and paragraphs, and the marks of bidirectional text.
bool is_hidden(char32_t c) {
    return (c >= 0x80 && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0x200E || c == 0x200F ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

std::string escaped(char const* format, char32_t value) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(value));
    return text.data();
}

std::string without_middle(std::string_view text, std::size_t longest) {
    if (text.size() <= longest) { return std::string(text); }
    std::size_t const head = boundary(text, longest * 2 / 3);
    std::size_t const tail = boundary(text, text.size() - longest / 3);
    return std::string(text.substr(0, head)) + "..." + std::string(text.substr(tail));
}

}  // namespace

CodePoint code_point(std::string_view text, std::size_t at) {
    auto const first = static_cast<unsigned char>(text[at]);
    if (first < 0x80) { return {first, 1}; }
    CodePoint const none{not_unicode + first, 1};
    std::size_t const bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() - at < bytes) { return none; }
    char32_t value = first & (0xFFU >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i) {
        if (!continues(text[at + i])) { return none; }
        value = value << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    bool const surrogate = value >= 0xD800 && value < 0xE000;
    return value < least[bytes] || value >= not_unicode || surrogate ? none : CodePoint{value, bytes};
}

std::size_t boundary(std::string_view text, std::size_t at) {
    at = std::min(at, text.size());
    for (std::size_t back = 0; back <= std::min<std::size_t>(at, 3); ++back) {
        if (at == text.size() || !continues(text[at - back])) { return at - back; }
    }
    return at;
}

std::string one_line(std::string_view text) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        auto const [c, bytes] = code_point(text, at);
        if (c == '\n') {
            line += "\\n";
        } else if (c == '\t') {
            line += "\\t";
        } else if (c == '\r') {
            line += "\\r";
        } else if (c < 0x20 || c == 0x7F || c >= not_unicode) {
            line += escaped("\\x%02x", c & 0xFF);
        } else if (is_hidden(c)) {
            line += escaped("\\u%04x", c);
        } else {
            line += text.substr(at, bytes);
        }
        at += bytes;
    }
    return line;
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        auto const c = code_point(text, at);
        if (c.value >= not_unicode) { return false; }
        at += c.bytes;
    }
    return true;
}

std::string excerpt(std::string_view text, std::size_t longest) {
    // What is cut anyway is not escaped first; an escape makes text longer, never shorter.
    std::string line = one_line(text.substr(0, boundary(text, longest + 1)));
    if (line.size() <= longest && text.size() <= longest) { return line; }
    line.resize(boundary(line, longest));
    return line + "...";
}

std::string alternatives(std::span<std::string const> items) {
    std::string text;
    for (std::size_t i = 0; i < items.size(); ++i) {
        text += (i == 0 ? "" : i + 1 == items.size() ? " or " : ", ") + items[i];
    }
    return text;
}

std::string message_line(std::string_view text) {
    std::string const line = one_line(text);
    std::string result;
    for (std::size_t at = 0; at < line.size();) {
        std::size_t const end = std::min(line.find(' ', at), line.size());
        result += without_middle(std::string_view(line).substr(at, end - at), longest_word);
        if (end < line.size()) { result += ' '; }
        at = end + 1;
    }
    return without_middle(result, longest_message);
}

}  // namespace alignsweep::core
