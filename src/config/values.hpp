// SPDX-License-Identifier: Apache-2.0
// What entries mean: setting a field of the configuration from text, and the ways back (INI, help, hash text).
// All of it goes by the one field list of each struct (schema.hpp).
#pragma once

#include "config/ini.hpp"
#include "config/schema.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::config {

// Sets one field. A path becomes absolute: an INI file's is relative to that file, --set's to the working directory;
// an empty one stays empty. Throws ConfigError, starting with the entry's location, on an unknown section or key (with
// the nearest one), a value of the wrong type, and one out of range (with what is allowed).
void assign(Config& config, Entry const& entry);

// The same for a value that stands inside another entry (one item of a sweep's list): errors and paths go by `origin`.
void assign(Config& config, std::string_view section, std::string_view key, std::string_view value,
            Entry const& origin);

// `defaults` with all entries set in order, but for those of [sweep]. Neither complete nor checked across fields:
// that is validate's matter.
[[nodiscard]] Config apply(std::span<Entry const> entries, Config defaults = {});

// The checks that involve several fields (heads divide the width, lengths fit the context, ...). Throws ConfigError
// that names the keys, their values and what is allowed.
void validate(Config const& config);

// The whole configuration as INI, every default included; numbers are printed so that reading them back gives the
// same bits, paths in quotes.
[[nodiscard]] std::string to_ini(Config const& config);

// One field as `all_keys` lists it.
struct KeyHelp {
    std::string section, key;
    Kind kind;
    std::string default_value;
    std::string allowed;  // "an integer from 1 to 512", "one of: k1, k3", ...
    std::string help;

    // "dpo.beta"
    [[nodiscard]] std::string name() const { return section + "." + key; }
};

// Every key of every section, in order, with its default.
[[nodiscard]] std::vector<KeyHelp> all_keys(Config const& defaults = {});
[[nodiscard]] std::optional<KeyHelp> find_key(std::string_view section, std::string_view key,
                                              Config const& defaults = {});

// The error for a name that does not exist: "demo.ini:12: unknown key dpo.btea (nearest: dpo.beta; allowed in [dpo]:
// epochs, batch, ...)".
[[noreturn]] void throw_unknown(std::string_view section, std::string_view key, Entry const& origin,
                                Config const& defaults);

// The current value of a field.
struct Value {
    std::string text;     // as to_ini prints it, without quotes
    double number = 0.0;  // of a boolean: 0 or 1; of a choice: its index; of a file: 0
};
// Throws std::logic_error where the field does not exist.
[[nodiscard]] Value value_of(Config const& config, std::string_view section, std::string_view key);

// Digest of an input file's content. Cached for as long as path, size and time of change stay the same. Throws IoError.
[[nodiscard]] std::string digest_of_input(std::filesystem::path const& file);

// "key=value" lines of one section in its order, for hashing: equal exactly where every value has the same bits. Input
// files count by the digest of their content, wherever they lie. Throws IoError where one can't be read.
[[nodiscard]] std::string canonical(Section const& section);

}  // namespace alignsweep::config
