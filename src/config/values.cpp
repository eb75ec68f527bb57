// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"

#include "config/text.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <mutex>
#include <system_error>

namespace alignsweep::config {

namespace fs = std::filesystem;
using core::concat;
using core::ConfigError;
using core::excerpt;

namespace {

std::string describe(Range const& range, std::string const& what) {
    bool const bounded_below = range.low > std::numeric_limits<double>::lowest();
    bool const bounded_above = range.high < std::numeric_limits<double>::max();
    // Bounds are whole for integers, and read better in full than as 1e+08.
    auto const show = [](double bound) {
        auto const whole = parse_integer(format_number(bound));
        return whole ? std::to_string(*whole) : format_number(bound);
    };
    if (bounded_below && bounded_above) { return concat(what, " from ", show(range.low), " to ", show(range.high)); }
    if (bounded_below && range.low == positive.low) { return what + " > 0"; }
    if (bounded_below) { return concat(what, " >= ", show(range.low)); }
    if (bounded_above) { return concat(what, " <= ", show(range.high)); }
    return what;
}

std::string allowed(Field const& field) {
    switch (field.kind()) {
        case Kind::integer:
            return describe(field.range, "an integer");
        case Kind::number:
            return describe(field.range, "a number");
        case Kind::boolean:
            return "true or false";
        case Kind::choice:
            return "one of: " + join(field.words);
        case Kind::file:
            break;
    }
    return "a path, or nothing";
}

Value value_of(Field const& field) {
    if (Int const* const value = field.as<Int>()) { return {std::to_string(*value), static_cast<double>(*value)}; }
    if (double const* const value = field.as<double>()) { return {format_number(*value), *value}; }
    if (bool const* const value = field.as<bool>()) { return {*value ? "true" : "false", *value ? 1.0 : 0.0}; }
    if (std::size_t const* const index = field.as<std::size_t>()) {
        return {field.words.at(*index), static_cast<double>(*index)};
    }
    return {*field.as<std::string>(), 0.0};
}

// Sets the field from text, of an entry `origin`.
void set(Field const& field, std::string_view section, std::string_view text, Entry const& origin) {
    auto const fail = [&](auto const&... what) {
        std::string const shown = text.empty() ? "(nothing)" : excerpt(text);
        throw ConfigError(origin.location(), ": ", section, ".", field.key, " = ", shown, ": ", what...,
                          "; allowed: ", allowed(field));
    };
    auto const checked = [&](auto const& parsed, char const* otherwise) {
        if (!parsed) { fail(otherwise); }
        auto const number = static_cast<double>(*parsed);
        if (number < field.range.low || number > field.range.high) { fail("out of range"); }
        return *parsed;
    };
    if (Int* const value = field.as<Int>()) {
        *value = checked(parse_integer(text), "not an integer");
    } else if (double* const number = field.as<double>()) {
        *number = checked(parse_number(text), "not a finite number");
    } else if (bool* const truth = field.as<bool>()) {
        if (text != "true" && text != "false") { fail("not a truth value"); }
        *truth = text == "true";
    } else if (std::size_t* const index = field.as<std::size_t>()) {
        auto const word = std::find(field.words.begin(), field.words.end(), text);
        if (word == field.words.end()) { fail("unknown (nearest: ", nearest(text, field.words), ")"); }
        *index = static_cast<std::size_t>(word - field.words.begin());
    } else {
        *field.as<std::string>() = text.empty() ? "" : fs::absolute(origin.folder() / text).lexically_normal().string();
    }
}

struct CachedDigest {
    std::uintmax_t size;
    fs::file_time_type changed;
    std::string digest;
};

}  // namespace

void assign(Config& config, std::string_view section, std::string_view key, std::string_view value,
            Entry const& origin) {
    bool found = false;
    auto const see = [&](Field const& field) {
        if (field.key != key) { return; }
        found = true;
        set(field, section, value, origin);
    };
    if (Section* const fields = config.find(section)) { fields->visit(see); }
    if (!found) { throw_unknown(section, key, origin, config); }
}

void assign(Config& config, Entry const& entry) { assign(config, entry.section, entry.key, entry.value, entry); }

Config apply(std::span<Entry const> entries, Config defaults) {
    for (Entry const& entry : entries) {
        if (entry.section != "sweep") { assign(defaults, entry); }
    }
    return defaults;
}

std::vector<KeyHelp> all_keys(Config const& defaults) {
    std::vector<KeyHelp> keys;
    for (Section const& section : defaults.sections()) {
        section.read([&](Field const& field) {
            keys.push_back({section.name(), field.key, field.kind(), value_of(field).text, allowed(field), field.help});
        });
    }
    return keys;
}

std::optional<KeyHelp> find_key(std::string_view section, std::string_view key, Config const& defaults) {
    for (KeyHelp const& known : all_keys(defaults)) {
        if (known.section == section && known.key == key) { return known; }
    }
    return std::nullopt;
}

void throw_unknown(std::string_view section, std::string_view key, Entry const& origin, Config const& defaults) {
    auto const keys = all_keys(defaults);
    std::vector<std::string> sections, siblings;
    for (KeyHelp const& known : keys) {
        if (sections.empty() || sections.back() != known.section) { sections.push_back(known.section); }
        if (known.section == section) { siblings.push_back(known.key); }
    }
    if (siblings.empty()) {
        sections.emplace_back("sweep");
        throw ConfigError(origin.location(), ": unknown section ", excerpt(section), " in ", excerpt(section), ".",
                          excerpt(key), " (nearest: ", nearest(section, sections), "; allowed: ", join(sections), ")");
    }
    // A key put in the wrong section should be found as well, at the price of one edit.
    auto const best = std::ranges::min_element(keys, {}, [&](KeyHelp const& known) {
        return edit_distance(key.substr(0, 100), known.key) * 2 + (known.section == section ? 0 : 3);
    });
    throw ConfigError(origin.location(), ": unknown key ", section, ".", excerpt(key), " (nearest: ", best->name(),
                      "; allowed in [", section, "]: ", join(siblings), ")");
}

std::string to_ini(Config const& config) {
    std::string text;
    for (Section const& section : config.sections()) {
        text += concat(text.empty() ? "[" : "\n[", section.name(), "]\n");
        section.read([&](Field const& field) {
            std::string const value = value_of(field).text;
            // A path may hold " #" or end in a blank.
            bool const quoted = field.kind() == Kind::file && !value.empty();
            text += concat(field.key, value.empty() ? " =" : " = ", quoted ? quote(value) : value, "\n");
        });
    }
    return text;
}

Value value_of(Config const& config, std::string_view section, std::string_view key) {
    std::optional<Value> value;
    auto const see = [&](Field const& field) {
        if (field.key == key) { value = value_of(field); }
    };
    if (Section const* const fields = config.find(section)) { fields->read(see); }
    core::check(value.has_value(), "no field ", section, ".", key);
    return *value;
}

std::string canonical(Section const& section) {
    std::string text;
    section.read([&](Field const& field) {
        std::string const value = value_of(field).text;
        bool const digested = field.kind() == Kind::file && !value.empty();
        text += concat(field.key, "=", digested ? digest_of_input(value) : value, "\n");
    });
    return text;
}

std::string digest_of_input(fs::path const& file) {
    static std::mutex mutex;
    static std::map<std::string, CachedDigest> cache;
    std::error_code error;
    auto const size = fs::file_size(file, error);
    auto const changed = error ? fs::file_time_type{} : fs::last_write_time(file, error);
    if (error) { throw core::IoError(file.string(), ": ", error.message()); }

    std::lock_guard const lock(mutex);
    auto const known = cache.find(file.string());
    if (known != cache.end() && known->second.size == size && known->second.changed == changed) {
        return known->second.digest;
    }
    std::string digest = core::digest_of_file(file);
    // Time stamps are coarse: a file changed a moment ago may change again and keep its time, so it is not cached yet.
    bool const settled = fs::file_time_type::clock::now() - changed > std::chrono::seconds(2);
    if (settled) { cache.insert_or_assign(file.string(), CachedDigest{size, changed, digest}); }
    return digest;
}

}  // namespace alignsweep::config
