// SPDX-License-Identifier: Apache-2.0
#include "data/unicode.hpp"

#include <algorithm>
#include <iterator>

namespace alignsweep::data {
namespace {

struct Range {
    char32_t first, last;
};

#include "data/unicode_ranges.inc"

template <std::size_t n>
bool in_ranges(Range const (&ranges)[n], char32_t c) {
    auto const* const after = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                               [](char32_t x, Range const& r) { return x < r.first; });
    return after != std::begin(ranges) && c <= std::prev(after)->last;
}

}  // namespace

bool is_letter(char32_t c) {
    if (c < 0x80) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }
    return in_ranges(letters, c);
}

bool is_number(char32_t c) {
    if (c < 0x80) { return c >= U'0' && c <= U'9'; }
    return in_ranges(numbers, c);
}

bool is_digit(char32_t c) { return is_number(c) || in_ranges(newer_numbers, c); }

bool is_word(char32_t c) {
    if (c < 0x80) { return is_letter(c) || is_number(c) || c == U'_'; }
    return in_ranges(words, c);
}

bool is_space(char32_t c) {
    return (c >= 0x9 && c <= 0xD) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

void append_utf8(char32_t value, std::string& to) {
    if (value < 0x80 || value >= core::not_unicode) {
        to += static_cast<char>(value & 0xFFU);
        return;
    }
    int const more = value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
    constexpr unsigned leads[] = {0, 0xC0, 0xE0, 0xF0};
    to += static_cast<char>(leads[more] | value >> (6 * more));
    for (int shift = 6 * (more - 1); shift >= 0; shift -= 6) {
        to += static_cast<char>(0x80U | (value >> shift & 0x3FU));
    }
}

}  // namespace alignsweep::data
