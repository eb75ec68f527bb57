// SPDX-License-Identifier: Apache-2.0
// Cuts a file of rows in JSON into its rows, one at a time, without reading more of it than a row.
#pragma once

#include "data/text.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace alignsweep::data {

// The longest row: a bound for what one row can take of memory. A parsed row takes up to 25 times its text.
inline constexpr std::uint64_t longest_row = std::uint64_t{32} << 20;

// The layouts are those that Hugging Face's `datasets` reads:
//   JSONL                 a line a row; a broken line does not touch the next. Blank lines are passed over
//   objects               one after the other, over lines (as `jq .` prints them) or several a line
//   an array of rows      [{...}, {...}], over lines or not
// The first line that is not blank tells which: "[" begins an array; an object that goes on over lines, or a second one
// behind it, means objects. A byte order mark of UTF-8 is passed over. Throws IoError ("FILE: ..." or "FILE:LINE: ...")
// for UTF-16 and UTF-32, for a row longer than longest_row, for an array without its end or with something behind it,
// and as TextStream does.
class RowTexts {
public:
    explicit RowTexts(std::filesystem::path const& file);
    // The text of the next row, valid until the next call; nothing at the end of the file.
    [[nodiscard]] std::optional<std::string_view> next();
    // The line on which that row begins, from 1; after the end, the last line of the file.
    [[nodiscard]] std::int64_t line() const { return line_; }

private:
    enum class Layout { lines, objects, array };

    [[noreturn]] void fail(std::int64_t line, std::string const& what) const;
    bool fill();
    void skip(std::size_t bytes);
    bool skip_blanks();
    std::size_t line_length();
    [[nodiscard]] std::string_view pending() const { return std::string_view(buffer_).substr(begin_, end_ - begin_); }
    void refuse_other_encodings();
    Layout find_layout();
    std::optional<std::string_view> next_line();
    std::optional<std::string_view> next_object();
    std::optional<std::string_view> next_element();

    std::string file_;
    TextStream stream_;
    std::string buffer_;  // what is read and not yet given out stands from begin_ to end_
    std::size_t begin_ = 0, end_ = 0;
    std::int64_t line_ = 0, lines_passed_ = 0;
    Layout layout_ = Layout::lines;
    bool array_begins_ = true, array_ended_ = false;
};

}  // namespace alignsweep::data
