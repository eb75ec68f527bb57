// SPDX-License-Identifier: Apache-2.0
#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace alignsweep::config {

namespace {

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
    // from_chars refuses a leading plus, which people write.
    if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') { text.remove_prefix(1); }
    Number value{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) { return std::nullopt; }
    return value;
}

}  // namespace

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    auto const first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) { return {}; }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string quote(std::string_view text) {
    std::string quoted = "\"";
    for (char const c : text) { quoted.append(c == '"' ? 2 : 1, c); }
    return quoted + '"';
}

std::string unquote(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') { return std::string(text); }
    std::string_view const inner = text.substr(1, text.size() - 2);
    std::string plain;
    for (std::size_t i = 0; i < inner.size(); ++i) {
        if (inner[i] == '"') {
            // A single quote inside ends the string early ("a", "b"): not one quoted string.
            if (i + 1 == inner.size() || inner[i + 1] != '"') { return std::string(text); }
            ++i;
        }
        plain += inner[i];
    }
    return plain;
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> items;
    if (trim(text).empty()) { return items; }
    std::size_t start = 0;
    bool quoted = false;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && text[i] == '"') { quoted = !quoted; }
        if (i == text.size() || (text[i] == ',' && !quoted)) {
            items.push_back(unquote(trim(text.substr(start, i - start))));
            start = i + 1;
        }
    }
    return items;
}

std::string join(std::span<std::string const> items, std::string_view separator) {
    std::string text;
    for (std::string const& item : items) {
        if (&item != items.data()) { text += separator; }
        text += item;
    }
    return text;
}

std::optional<double> parse_number(std::string_view text) {
    auto const value = parse_whole<double>(text);
    if (!value || !std::isfinite(*value)) { return std::nullopt; }
    return *value == 0.0 ? 0.0 : *value;  // one zero only, or equal configurations would hash differently
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    if (auto const whole = parse_whole<std::int64_t>(text)) { return whole; }
    constexpr double exact = 9007199254740992.0;  // 2^53: beyond it a double may have lost the units
    auto const value = parse_number(text);
    if (!value || std::abs(*value) > exact || *value != std::trunc(*value)) { return std::nullopt; }
    return static_cast<std::int64_t>(*value);
}

std::string format_number(double value) {
    std::array<char, 32> text{};
    auto const result = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), result.ptr};
}

std::size_t edit_distance(std::string_view from, std::string_view to) {
    // Three rows of the table of optimal string alignment: a swap looks back two.
    std::vector<std::size_t> before(to.size() + 1), above(to.size() + 1), row(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j) { row[j] = j; }
    for (std::size_t i = 1; i <= from.size(); ++i) {
        before.swap(above);
        above.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            std::size_t const replaced = above[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
            bool const swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if (swapped) { row[j] = std::min(row[j], before[j - 2] + 1); }
        }
    }
    return row[to.size()];
}

std::string nearest(std::string_view name, std::span<std::string const> candidates) {
    // Of a long name only the start is compared: the time grows with the product of both lengths.
    auto const edits = [&](std::string_view candidate) { return edit_distance(name.substr(0, 100), candidate); };
    auto const best = std::ranges::min_element(candidates, {}, edits);
    return best == candidates.end() ? std::string() : *best;
}

}  // namespace alignsweep::config
