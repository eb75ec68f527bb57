// SPDX-License-Identifier: Apache-2.0
#include "data/pieces.hpp"

#include "core/text.hpp"

#include <algorithm>

namespace alignsweep::data {
namespace {

enum class Kind { newline, space, letter, digit, other };

// Not <cctype>: its answers depend on the locale.
Kind kind_of(char byte) {
    auto const c = static_cast<unsigned char>(byte);
    if (c == '\n') { return Kind::newline; }
    if (c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f') { return Kind::space; }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 128) { return Kind::letter; }
    if (c >= '0' && c <= '9') { return Kind::digit; }
    return Kind::other;
}

// End of the run of one kind that starts at `begin`, at most longest_piece.
std::size_t run_end(std::string_view text, std::size_t begin) {
    Kind const kind = kind_of(text[begin]);
    std::size_t const limit = std::min(text.size(), longest_piece);
    std::size_t end = begin + 1;
    while (end < limit && kind_of(text[end]) == kind) { ++end; }
    return end;
}

}  // namespace

std::string_view next_piece(std::string_view text) {
    if (text.empty()) { return text; }
    std::size_t begin = 0;
    if (kind_of(text[0]) == Kind::newline) { return text.substr(0, 1); }
    if (kind_of(text[0]) == Kind::space) {
        std::size_t const end = run_end(text, 0);
        bool const joins_next = end < text.size() && text[end - 1] == ' ' && kind_of(text[end]) != Kind::space &&
                                kind_of(text[end]) != Kind::newline;
        if (!joins_next) { return text.substr(0, end); }
        if (end > 1) { return text.substr(0, end - 1); }
        begin = 1;
    }
    std::size_t const end = run_end(text, begin);
    return text.substr(0, end == longest_piece ? core::boundary(text, end) : end);
}

}  // namespace alignsweep::data
