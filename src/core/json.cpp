// SPDX-License-Identifier: Apache-2.0
#include "core/json.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <vector>

namespace alignsweep::core {

namespace {

// Python's words for numbers that JSON does not have, outside strings, become null. Returns the text as it is where
// there are none; `inserted` holds the places, in the new text, of characters that the old one did not have.
std::string without_python_numbers(std::string_view text, std::vector<std::size_t>& inserted) {
    constexpr std::array<std::string_view, 3> words{"NaN", "-Infinity", "Infinity"};
    std::string result;
    bool quoted = false;
    for (std::size_t at = 0; at < text.size();) {
        char const c = text[at];
        if (quoted && c == '\\' && at + 1 < text.size()) {
            result += text.substr(at, 2);
            at += 2;
            continue;
        }
        if (c == '"') { quoted = !quoted; }
        auto const word = std::find_if(words.begin(), words.end(),
                                       [&](std::string_view w) { return !quoted && text.substr(at).starts_with(w); });
        if (word == words.end()) {
            result += c;
            ++at;
            continue;
        }
        if (word->size() < 4) { inserted.push_back(result.size()); }
        result += "null";
        if (word->size() > 4) { result.append(word->size() - 4, ' '); }
        at += word->size();
    }
    return result;
}

// Builds the value, and knows at every moment which field it is in and, by the stream that the parser reads, where.
class Builder : public nlohmann::json_sax<Json> {
public:
    Builder(std::string_view text, std::string file, std::int64_t line, std::vector<std::size_t> inserted)
        : text_(text), file_(std::move(file)), line_(line), inserted_(std::move(inserted)), in_(std::string(text)) {}

    Json build() {
        Json::sax_parse(in_, this);
        return std::move(root_);
    }

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, string_t const& /*text*/) override { return add(value); }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t& /*value*/) override { return false; }
    bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
    bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        levels_.back().key = name;
        if (levels_.back().value->contains(name)) { fail(position(), "stands twice in its object; once is allowed"); }
        return true;
    }
    bool parse_error(std::size_t position, std::string const& token, Json::exception const& error) override {
        constexpr int number_overflow = 406;
        if (error.id == number_overflow) {
            fail(position, concat("the number ", excerpt(token, 40), " is beyond the range of a double"));
        }
        refuse(position);
    }
    // What stands at this byte, from 1, is not JSON.
    [[noreturn]] void refuse(std::size_t position) const {
        std::size_t const own =
            position - static_cast<std::size_t>(std::count_if(inserted_.begin(), inserted_.end(),
                                                              [&](std::size_t place) { return place < position; }));
        fail(position, concat("not valid JSON at byte ", own,
                              line_ == 0                                   ? ""
                              : text_.find('\n') == std::string_view::npos ? " of the line"
                                                                           : " from there"));
    }

private:
    struct Level {
        Json* value;
        std::string key;
        std::size_t items;
    };

    [[nodiscard]] std::size_t position() {
        return static_cast<std::size_t>(std::streamoff(in_.rdbuf()->pubseekoff(0, std::ios::cur, std::ios::in)));
    }
    Json* place(Json value) {
        if (levels_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        Level& level = levels_.back();
        if (level.value->is_array()) {
            level.value->push_back(std::move(value));
            ++level.items;
            return &level.value->back();
        }
        Json& member = (*level.value)[level.key];
        member = std::move(value);
        return &member;
    }
    bool add(Json value) {
        place(std::move(value));
        return true;
    }
    bool open(Json empty) {
        if (levels_.size() >= static_cast<std::size_t>(deepest_json)) {
            fail(position(), concat("lists and objects nest deeper than ", deepest_json, " levels, which are allowed"));
        }
        Json* const value = place(std::move(empty));
        levels_.push_back({value, {}, 0});
        return true;
    }
    bool close() {
        levels_.pop_back();
        return true;
    }

    // "messages[3].content"; empty at the top.
    [[nodiscard]] std::string field() const {
        std::string path;
        for (Level const& level : levels_) {
            // The first levels say where it is; a list in a list in a list says no more.
            if (path.size() > 60) { return path + "..."; }
            if (level.value->is_array()) {
                // A level above was entered by its last item; in the innermost one the next is being read.
                path += concat('[', &level == &levels_.back() ? level.items : level.items - 1, ']');
            } else if (!level.key.empty()) {
                path += concat(path.empty() ? "" : ".", excerpt(level.key, 40));
            }
        }
        return path;
    }

    [[noreturn]] void fail(std::size_t position, std::string const& what) const {
        auto const end = text_.begin() + static_cast<std::ptrdiff_t>(std::min(position, text_.size()));
        std::int64_t const line = line_ > 0 ? line_ : 1 + std::count(text_.begin(), end, '\n');
        std::string const path = field();
        throw IoError(file_, ":", line, ": ", path.empty() ? "" : concat("field '", path, "': "), what);
    }

    std::string_view text_;
    std::string file_;
    std::int64_t line_;
    std::vector<std::size_t> inserted_;
    std::istringstream in_;
    Json root_;
    std::vector<Level> levels_;
};

}  // namespace

Json parse_json(std::string_view text, std::string const& file, std::int64_t line) {
    std::vector<std::size_t> inserted;
    std::string plain;
    if (text.find("NaN") != std::string_view::npos || text.find("Infinity") != std::string_view::npos) {
        plain = without_python_numbers(text, inserted);
        text = plain;
    }
    Builder builder(text, file, line, std::move(inserted));
    // The parser takes a null byte for the end, whatever comes after it.
    if (std::size_t const null = text.find('\0'); null != std::string_view::npos) { builder.refuse(null + 1); }
    return builder.build();
}

Json read_json_object(std::filesystem::path const& file) {
    std::error_code error;
    std::ifstream in;  // opened only after the look: a pipe would wait for its writer
    if (std::filesystem::is_regular_file(file, error)) { in.open(file, std::ios::binary); }
    if (!in.is_open()) { throw IoError(file.string(), ": there is no such file, or it can't be opened"); }
    std::uintmax_t const size = std::filesystem::file_size(file, error);
    if (error || size > longest_json_file) {
        throw IoError(file.string(), ": of ", size, " bytes; at most ", longest_json_file,
                      " bytes of JSON are allowed");
    }
    if (size == 0) { throw IoError(file.string(), ": is empty"); }
    std::string text(static_cast<std::size_t>(size), '\0');
    in.read(text.data(), static_cast<std::streamsize>(size));
    if (!in) { throw IoError(file.string(), ": can't be read to its end"); }
    Json json = parse_json(text, file.string());
    if (json.is_object()) { return json; }
    throw IoError(file.string(), ": of type ", json.type_name(), "; a JSON object is allowed");
}

std::string shown(Json const& value, std::size_t longest) {
    // A text of megabytes is cut before it is copied.
    if (value.is_string()) {
        auto const& text = value.get_ref<std::string const&>();
        if (text.size() > 2 * longest) { return '"' + excerpt(text, longest) + '"'; }
    }
    return excerpt(value.dump(-1, ' ', false, Json::error_handler_t::replace), longest);
}

}  // namespace alignsweep::core
