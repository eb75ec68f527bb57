// SPDX-License-Identifier: Apache-2.0
#include "config/ini.hpp"

#include "config/text.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <system_error>

namespace alignsweep::config {

namespace fs = std::filesystem;
using core::concat;
using core::ConfigError;
using core::excerpt;
using core::IoError;

namespace {

// A list of a million values, the most that a sweep has, is shorter.
constexpr std::size_t most_bytes = std::size_t{1} << 24;

bool is_control(char c) { return (static_cast<unsigned char>(c) < 32 && c != '\t') || c == 127; }

// A list keeps its quotes: they say which commas separate (split_list).
std::string value_of(std::string_view section, std::string_view text) {
    return section == "sweep" ? std::string(trim(text)) : unquote(trim(text));
}

// `note` says who asked for the file.
std::string read_text(fs::path const& file, std::string const& note) {
    auto const fail = [&](auto const&... what) { throw IoError(file.string(), ": ", what..., note); };
    std::error_code error;
    fs::file_status const status = fs::status(file, error);
    if (status.type() == fs::file_type::not_found) { fail("no such file"); }
    if (error) { fail(error.message()); }
    if (fs::is_directory(status)) { fail("a folder, not an INI file"); }
    // A device may have no end, or wait for somebody to type; a shell's <(...) is a pipe.
    if (!fs::is_regular_file(status) && !fs::is_fifo(status)) { fail("neither a file nor a pipe, which are allowed"); }
    std::ifstream in(file, std::ios::binary);
    if (!in) { fail("can't be read"); }
    std::string text;
    std::array<char, 1 << 12> part;
    while (text.size() <= most_bytes && (in.read(part.data(), part.size()), in.gcount() > 0)) {
        text.append(part.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) { fail("reading failed"); }
    if (text.size() > most_bytes) { fail("longer than ", most_bytes, " bytes; an INI file is shorter"); }
    if (text.starts_with("\xEF\xBB\xBF")) { text.erase(0, 3); }
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) { fail("the file is empty"); }
    return text;
}

// The line up to its comment. False in `closed` where a quote is left open.
std::string_view without_comment(std::string_view line, bool& closed) {
    bool quoted = false;
    closed = true;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"') { quoted = !quoted; }
        bool const mark = line[i] == '#' || line[i] == ';';
        if (mark && !quoted && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) { return line.substr(0, i); }
    }
    closed = !quoted;
    return line;
}

class Reader {
public:
    // `note` is empty for a file of the command line, and names the line that asked for a base.
    void read(fs::path const& file, std::string const& note) {
        std::istringstream lines(read_text(file, note));
        open_.push_back(file);
        Position at{file, 0, {}, {}};
        for (std::string line; std::getline(lines, line);) {
            if (line.ends_with('\r')) { line.pop_back(); }
            ++at.line;
            read_line(line, at);
        }
        open_.pop_back();
    }

    std::vector<Entry> take() { return std::move(entries_); }

private:
    struct Position {
        fs::path file;
        int line;
        std::string section;
        std::map<std::string, int> seen;  // name -> line, within this file

        template <class... What>
        [[noreturn]] void fail(What const&... what) const {
            throw ConfigError(file.string(), ":", line, ": ", what...);
        }
    };

    void read_line(std::string_view line, Position& at) {
        if (std::any_of(line.begin(), line.end(), is_control)) {
            at.fail("a control character (is this a text file? UTF-8 is allowed)");
        }
        // Values go into results as text, where two that differ must stay so.
        if (!core::is_utf8(line)) { at.fail("bytes that are not UTF-8, which alone is allowed"); }
        bool closed = true;
        std::string_view const content = trim(without_comment(line, closed));
        if (!closed) { at.fail("a quote is not closed: ", excerpt(content)); }
        if (content.empty()) { return; }
        if (content.front() == '[') {
            std::string_view const name =
                content.back() == ']' ? trim(content.substr(1, content.size() - 2)) : std::string_view{};
            if (name.empty() || name.find_first_of("[]") != std::string_view::npos) {
                at.fail("malformed section '", excerpt(content), "' (allowed: [section])");
            }
            at.section = name;
            return;
        }
        std::size_t const equals = content.find('=');
        std::string_view const key = trim(content.substr(0, equals));
        if (equals == std::string_view::npos || key.empty()) {
            at.fail("malformed line '", excerpt(content), "' (allowed: key = value, [section], # comment)");
        }
        add(key, value_of(at.section, content.substr(equals + 1)), at);
    }

    void add(std::string_view key, std::string const& value, Position& at) {
        std::string const name = at.section.empty() ? std::string(key) : concat(at.section, ".", key);
        if (at.section.empty() && key != "base") {
            at.fail("'", excerpt(key), "' stands outside any section (allowed there: base = FILE)");
        }
        auto const [first, fresh] = at.seen.emplace(name, at.line);
        if (!fresh) { at.fail(excerpt(name), " is set twice in this file, first on line ", first->second); }
        if (at.section.empty()) {
            read_base(value, at);
        } else {
            entries_.push_back({at.section, std::string(key), value, at.file.string(), at.line});
        }
    }

    void read_base(std::string const& value, Position const& at) {
        if (value.empty()) { at.fail("base names no file (allowed: base = FILE)"); }
        fs::path const base = (at.file.parent_path() / value).lexically_normal();
        std::error_code ignored;  // a file that does not exist is reported when it is read
        auto const same = [&](fs::path const& open) { return fs::equivalent(open, base, ignored); };
        auto const cycle = std::find_if(open_.begin(), open_.end(), same);
        if (cycle != open_.end()) {
            std::string chain;
            for (auto file = cycle; file != open_.end(); ++file) { chain += file->string() + " -> "; }
            at.fail("base = ", excerpt(value), " is a cycle: ", chain, base.string());
        }
        read(base, concat(" (base of ", at.file.string(), ":", at.line, ")"));
    }

    std::vector<Entry> entries_;
    std::vector<fs::path> open_;
};

}  // namespace

std::string Entry::location() const {
    if (line == 0) { return concat(file, " ", excerpt(name()), "=", excerpt(value)); }
    return concat(file, ":", line);
}

fs::path Entry::folder() const { return line == 0 ? fs::path{} : fs::path(file).parent_path(); }

std::vector<Entry> read_ini(fs::path const& file) {
    Reader reader;
    reader.read(file, "");
    return reader.take();
}

Entry parse_set(std::string_view text) {
    std::size_t const equals = text.find('=');
    std::string_view const name = trim(text.substr(0, equals));
    std::size_t const dot = name.find('.');
    bool const shaped =
        equals != std::string_view::npos && dot != std::string_view::npos && dot > 0 && dot + 1 < name.size();
    if (!shaped || std::any_of(text.begin(), text.end(), is_control) || !core::is_utf8(text)) {
        throw ConfigError(set_option, " ", excerpt(text), ": malformed (allowed: --set section.key=value)");
    }
    std::string const section(name.substr(0, dot));
    return {section, std::string(name.substr(dot + 1)), value_of(section, text.substr(equals + 1)),
            std::string(set_option), 0};
}

std::vector<Entry> read_all(std::vector<fs::path> const& files, std::vector<std::string> const& sets) {
    std::vector<Entry> entries;
    for (fs::path const& file : files) {
        for (Entry& entry : read_ini(file)) { entries.push_back(std::move(entry)); }
    }
    for (std::string const& set : sets) { entries.push_back(parse_set(set)); }
    return entries;
}

}  // namespace alignsweep::config
