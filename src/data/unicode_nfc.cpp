// SPDX-License-Identifier: Apache-2.0
// Source: Unicode Standard Annex 15; Hangul: The Unicode Standard, section 3.12.
#include "data/unicode.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace alignsweep::data {
namespace {

struct Decomposition {
    char32_t whole, first, second;  // second 0: none
    int composes;
};
struct CombiningClass {
    char32_t first, last;
    int value;
};

#include "data/unicode_nfc.inc"

constexpr char32_t syllable = 0xAC00, lead = 0x1100, vowel = 0x1161, trail = 0x11A7;
constexpr char32_t leads = 19, vowels = 21, trails = 28;  // trail itself is none

struct Mark {
    char32_t value;
    int combining;
};

int combining_class(char32_t c) {
    auto const* const after = std::upper_bound(std::begin(combining_classes), std::end(combining_classes), c,
                                               [](char32_t x, CombiningClass const& range) { return x < range.first; });
    bool const inside = after != std::begin(combining_classes) && c <= std::prev(after)->last;
    return inside ? std::prev(after)->value : 0;
}

void decompose(char32_t c, std::vector<Mark>& to) {
    if (c >= syllable && c < syllable + leads * vowels * trails) {
        char32_t const index = c - syllable;
        to.push_back({lead + index / (vowels * trails), 0});
        to.push_back({vowel + index % (vowels * trails) / trails, 0});
        if (index % trails != 0) { to.push_back({trail + index % trails, 0}); }
        return;
    }
    auto const* const found = std::lower_bound(std::begin(decompositions), std::end(decompositions), c,
                                               [](Decomposition const& d, char32_t x) { return d.whole < x; });
    if (found == std::end(decompositions) || found->whole != c) {
        to.push_back({c, combining_class(c)});
        return;
    }
    decompose(found->first, to);
    if (found->second != 0) { decompose(found->second, to); }
}

// What two code points are together; 0: nothing.
char32_t composed(char32_t first, char32_t second) {
    if (first >= lead && first < lead + leads && second >= vowel && second < vowel + vowels) {
        return syllable + ((first - lead) * vowels + (second - vowel)) * trails;
    }
    bool const open =
        first >= syllable && first < syllable + leads * vowels * trails && (first - syllable) % trails == 0;
    if (open && second > trail && second < trail + trails) { return first + (second - trail); }
    static auto const pairs = [] {
        std::map<std::pair<char32_t, char32_t>, char32_t> wholes;
        for (Decomposition const& d : decompositions) {
            if (d.composes != 0) { wholes[{d.first, d.second}] = d.whole; }
        }
        return wholes;
    }();
    auto const found = pairs.find({first, second});
    return found == pairs.end() ? 0 : found->second;
}

}  // namespace

std::string nfc(std::string_view text) {
    // Below U+0300 nothing combines, and every character is what NFC leaves.
    bool plain = true;
    std::vector<Mark> marks;
    for (std::size_t at = 0; at < text.size();) {
        auto const c = code_point(text, at);
        plain = plain && c.value < 0x300;
        decompose(c.value, marks);
        at += c.bytes;
    }
    if (plain) { return std::string(text); }
    // Marks after a starter, each run in the order of classes.
    for (auto begin = marks.begin(); begin != marks.end();) {
        auto const end = std::find_if(begin, marks.end(), [](Mark const& m) { return m.combining == 0; });
        std::stable_sort(begin, end, [](Mark const& a, Mark const& b) { return a.combining < b.combining; });
        begin = end == marks.end() ? end : std::next(end);
    }
    std::vector<Mark> result;
    std::ptrdiff_t starter = -1;  // in the result
    for (Mark const& mark : marks) {
        if (starter >= 0) {
            // A mark is out of reach behind one of the same class or behind another starter.
            bool const next = std::ssize(result) == starter + 1;
            bool const reached = next || (result.back().combining != 0 && result.back().combining < mark.combining);
            auto& first = result[static_cast<std::size_t>(starter)].value;
            char32_t const whole = reached ? composed(first, mark.value) : 0;
            if (whole != 0) {
                first = whole;
                continue;
            }
        }
        result.push_back(mark);
        if (mark.combining == 0) { starter = std::ssize(result) - 1; }
    }
    std::string written;
    for (Mark const& mark : result) { append_utf8(mark.value, written); }
    return written;
}

}  // namespace alignsweep::data
