// SPDX-License-Identifier: Apache-2.0
// The small text tools of the configuration: lists, quotes, numbers that survive a round trip, nearest names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::config {

// Without the blanks, tabs and carriage returns at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

// `text` in double quotes; a quote inside is doubled, as in CSV.
[[nodiscard]] std::string quote(std::string_view text);
// The inverse, where the whole of `text` is one quoted string; any other text comes back as it is.
[[nodiscard]] std::string unquote(std::string_view text);
// The items between commas (outside quotes), trimmed and unquoted. "" has no item, "a," has an empty one.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);
[[nodiscard]] std::string join(std::span<std::string const> items, std::string_view separator = ", ");

// A finite number, the whole of `text`; "1e4" and "+1" count, "inf", "nan", "1x" and "" do not. -0 is read as 0.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);
// An integer, plain or as a number whose value is exact ("1e4", "128.0").
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
// The shortest text that reads back as the same double.
[[nodiscard]] std::string format_number(double value);

// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);
// The candidate with the fewest edits, the first one of several; "" without candidates.
[[nodiscard]] std::string nearest(std::string_view name, std::span<std::string const> candidates);

}  // namespace alignsweep::config
