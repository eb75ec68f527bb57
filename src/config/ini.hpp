// SPDX-License-Identifier: Apache-2.0
// INI files and --set, as entries that remember where they were written. What the keys mean is values.hpp's matter.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::config {

// `file` of an entry that came from the command line.
inline constexpr std::string_view set_option = "--set";

// One "key = value". Lists of entries are in order: a later one overrides an earlier one of the same name.
struct Entry {
    std::string section, key, value;
    std::string file;  // as the user wrote it; "--set" for the command line
    int line = 0;      // from 1; 0 for the command line

    // "dpo.beta"
    [[nodiscard]] std::string name() const { return section + "." + key; }
    // "demo.ini:12", or "--set dpo.beta=0.1": the start of every error about this entry.
    [[nodiscard]] std::string location() const;
    // The folder that paths in the value are relative to; empty: the working directory.
    [[nodiscard]] std::filesystem::path folder() const;
};

// Reads a file line by line: "[section]", "key = value", blank, or a comment. `#` and `;` start a comment at a line's
// start or after a blank, unless between double quotes; quotes around a whole value are stripped (a quote inside is
// written twice), but for lists, the values of [sweep], whose items are quoted. "base = FILE" before the first section
// reads another file first, relative to this one. A UTF-8 byte order mark and CRLF are accepted. A file of comments
// alone is no entries; an empty one is an error, since it most likely is a failed copy. Throws IoError "FILE: ..."
// where a file is missing, empty or unreadable, ConfigError "FILE:LINE: ..." for a malformed line, an entry outside any
// section, a key written twice in one file, and a cycle of bases.
[[nodiscard]] std::vector<Entry> read_ini(std::filesystem::path const& file);

// "section.key=value" of the command line; the section ends at the first dot, so "sweep.dpo.beta=0.1,0.2" is key
// dpo.beta of [sweep]. Throws ConfigError on any other shape.
[[nodiscard]] Entry parse_set(std::string_view text);

// All of `files` in order, then all of `sets` in order. Throws as the two above.
[[nodiscard]] std::vector<Entry> read_all(std::vector<std::filesystem::path> const& files,
                                          std::vector<std::string> const& sets);

}  // namespace alignsweep::config
