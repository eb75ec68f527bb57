// SPDX-License-Identifier: Apache-2.0
#include "data/row_texts.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cstring>

namespace alignsweep::data {
namespace {

constexpr std::string_view blanks = " \t\r\n\v\f";

// Follows brackets and strings through a text.
struct Brackets {
    std::int64_t depth = 0;
    bool quoted = false, escaped = false;

    void take(char c) {
        if (quoted) {
            if (escaped) {
                escaped = false;
            } else if (c == '\\') {
                escaped = true;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
};

}  // namespace

RowTexts::RowTexts(std::filesystem::path const& file)
    : file_(file.string()), stream_(file), buffer_(std::size_t{1} << 18, '\0') {
    while (end_ < 4 && fill()) {}
    if (end_ == 0) { throw core::IoError(file_, ": is empty"); }
    if (pending().starts_with("\xEF\xBB\xBF")) { begin_ += 3; }
    refuse_other_encodings();
    layout_ = find_layout();
}

void RowTexts::fail(std::int64_t line, std::string const& what) const {
    throw core::IoError(file_, ":", line, ": ", what);
}

// Reads on; false at the end of the file. Offsets from begin_ stay what they are.
bool RowTexts::fill() {
    constexpr std::size_t longest = longest_row;
    std::size_t const kept = end_ - begin_;
    if (kept > longest) {
        fail(lines_passed_ + 1, core::concat("the row is longer than ", longest_row >> 20, " MiB, which are allowed"));
    }
    std::memmove(buffer_.data(), buffer_.data() + begin_, kept);
    begin_ = 0;
    end_ = kept;
    if (end_ == buffer_.size()) { buffer_.resize(std::min(2 * end_, longest + 1)); }
    std::size_t const got = stream_.read(buffer_.data() + end_, buffer_.size() - end_);
    end_ += got;
    return got > 0;
}

void RowTexts::skip(std::size_t bytes) {
    lines_passed_ += std::count(buffer_.data() + begin_, buffer_.data() + begin_ + bytes, '\n');
    begin_ += bytes;
}

// False at the end of the file.
bool RowTexts::skip_blanks() {
    do {
        std::size_t const place = pending().find_first_not_of(blanks);
        skip(std::min(place, pending().size()));
    } while (begin_ == end_ && fill());
    return begin_ < end_;
}

// Of the line that begins at begin_, without its end.
std::size_t RowTexts::line_length() {
    for (std::size_t searched = 0;;) {
        std::size_t const place = pending().find('\n', searched);
        if (place != std::string_view::npos) { return place; }
        searched = pending().size();
        if (!fill()) { return searched; }
    }
}

// JSON begins with an ASCII character, so a zero beside it is half of a wider one.
void RowTexts::refuse_other_encodings() {
    using namespace std::string_view_literals;
    std::string_view const text = pending();
    for (auto const& [bytes, name] : {std::pair{"\xFF\xFE\0\0"sv, "UTF-32"},
                                      {"\xFF\xFE"sv, "UTF-16"},
                                      {"\xFE\xFF"sv, "UTF-16"},
                                      {"\0\0"sv, "UTF-32, or no text"},
                                      {"\0"sv, "UTF-16, or no text"}}) {
        if (text.starts_with(bytes)) { throw core::IoError(file_, ": is ", name, "; UTF-8 is allowed"); }
    }
    if (text.size() > 1 && text[1] == '\0') {
        bool const wider = text.substr(2).starts_with("\0\0"sv);
        throw core::IoError(file_, ": is ", wider ? "UTF-32" : "UTF-16", "; UTF-8 is allowed");
    }
}

RowTexts::Layout RowTexts::find_layout() {
    if (!skip_blanks()) { return Layout::lines; }
    if (pending().front() == '[') {
        ++begin_;
        return Layout::array;
    }
    std::size_t const length = line_length();
    std::string_view const line = pending().substr(0, length);
    if (line.front() != '{') { return Layout::lines; }
    Brackets brackets;
    std::size_t at = 0;
    do { brackets.take(line[at++]); } while (at < line.size() && brackets.depth > 0);
    std::size_t const last = line.find_last_not_of(blanks), behind = line.find_first_not_of(blanks, at);
    // A row that is merely broken ends anywhere; printed over lines, it ends where JSON allows a line end.
    bool const goes_on =
        brackets.depth > 0 && !brackets.quoted && (line[last] == '{' || line[last] == '[' || line[last] == ',');
    bool const another = brackets.depth == 0 && behind != std::string_view::npos && line[behind] == '{';
    return goes_on || another ? Layout::objects : Layout::lines;
}

std::optional<std::string_view> RowTexts::next() {
    auto const row = layout_ == Layout::lines     ? next_line()
                     : layout_ == Layout::objects ? next_object()
                                                  : next_element();
    if (!row) { line_ = std::max<std::int64_t>(lines_passed_, 1); }
    return row;
}

std::optional<std::string_view> RowTexts::next_line() {
    for (;;) {
        std::size_t const length = line_length();
        if (begin_ == end_) { return std::nullopt; }
        line_ = ++lines_passed_;
        std::string_view const text = pending().substr(0, length);
        begin_ = std::min(begin_ + length + 1, end_);
        if (text.find_first_not_of(blanks) != std::string_view::npos) { return text; }
    }
}

// What stands between objects and is none is a row, too, to its line's end: it is for the reader to say what is wrong.
std::optional<std::string_view> RowTexts::next_object() {
    if (!skip_blanks()) { return std::nullopt; }
    line_ = lines_passed_ + 1;
    std::size_t length = 0;
    if (pending().front() != '{') {
        length = line_length();
    } else {
        Brackets brackets;
        do {
            if (length == pending().size() && !fill()) { break; }
            brackets.take(pending()[length++]);
        } while (brackets.depth > 0);
    }
    std::size_t const begin = begin_;
    skip(length);
    return std::string_view(buffer_).substr(begin, length);
}

std::optional<std::string_view> RowTexts::next_element() {
    bool const more = skip_blanks();
    line_ = lines_passed_ + 1;
    if (array_ended_ || (array_begins_ && more && pending().front() == ']')) {
        if (!array_ended_) { ++begin_; }
        if (skip_blanks()) { fail(lines_passed_ + 1, "something follows the array of rows; nothing is allowed there"); }
        return std::nullopt;
    }
    array_begins_ = false;
    Brackets brackets;
    std::size_t length = 0;
    for (;; ++length) {
        if (length == pending().size() && !fill()) {
            fail(line_, "the file ends within its array of rows; an array that ends with ] is allowed");
        }
        char const c = pending()[length];
        if (brackets.depth == 0 && !brackets.quoted && (c == ',' || c == ']')) { break; }
        brackets.take(c);
    }
    std::size_t const begin = begin_;
    skip(length);
    array_ended_ = buffer_[begin_++] == ']';
    return std::string_view(buffer_).substr(begin, length);
}

}  // namespace alignsweep::data
