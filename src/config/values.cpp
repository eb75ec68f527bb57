// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"

#include "config/text.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <limits>

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

std::string describe(Choices const& choices) { return "one of: " + join(choices); }
constexpr char const* describe_bool = "true or false";
constexpr char const* describe_file = "a path, or nothing";

// Sets the field `key` of the section that it visits.
class Setter final : public FieldVisitor {
public:
    Setter(std::string_view section, std::string_view key, std::string_view value, Entry const& origin)
        : section_(section), key_(key), value_(value), origin_(origin) {}

    [[nodiscard]] bool found() const { return found_; }

private:
    void integer(char const* key, Int& field, Range const& range, char const*) override {
        if (!is(key)) { return; }
        auto const value = parse_integer(value_);
        if (!value) { fail("not an integer", describe(range, "an integer")); }
        auto const number = static_cast<double>(*value);
        if (number < range.low || number > range.high) { fail("out of range", describe(range, "an integer")); }
        field = *value;
    }
    void number(char const* key, double& field, Range const& range, char const*) override {
        if (!is(key)) { return; }
        auto const value = parse_number(value_);
        if (!value) { fail("not a finite number", describe(range, "a number")); }
        if (*value < range.low || *value > range.high) { fail("out of range", describe(range, "a number")); }
        field = *value;
    }
    void truth(char const* key, bool& field, char const*) override {
        if (!is(key)) { return; }
        if (value_ != "true" && value_ != "false") { fail("not a truth value", describe_bool); }
        field = value_ == "true";
    }
    void choice(char const* key, std::size_t& index, Choices const& words, char const*, void const*) override {
        if (!is(key)) { return; }
        auto const word = std::find(words.begin(), words.end(), value_);
        if (word == words.end()) { fail(concat("unknown (nearest: ", nearest(value_, words), ")"), describe(words)); }
        index = static_cast<std::size_t>(word - words.begin());
    }
    void file(char const* key, std::string& path, char const*) override {
        if (!is(key)) { return; }
        path = value_.empty() ? "" : fs::absolute(origin_.folder() / value_).lexically_normal().string();
    }

    bool is(char const* key) {
        bool const same = key_ == key;
        found_ = found_ || same;
        return same;
    }
    [[noreturn]] void fail(std::string const& what, std::string const& allowed) const {
        std::string const shown = value_.empty() ? "(nothing)" : excerpt(value_);
        throw ConfigError(
            concat(origin_.location(), ": ", section_, ".", key_, " = ", shown, ": ", what, "; allowed: ", allowed));
    }

    std::string_view section_, key_, value_;
    Entry const& origin_;
    bool found_ = false;
};

// Lists the fields of the section that it visits.
class Lister final : public FieldVisitor {
public:
    Lister(std::string const& section, std::vector<KeyHelp>& keys) : section_(section), keys_(keys) {}

private:
    void integer(char const* key, Int& value, Range const& range, char const* help) override {
        add(key, Kind::integer, std::to_string(value), describe(range, "an integer"), help);
    }
    void number(char const* key, double& value, Range const& range, char const* help) override {
        add(key, Kind::number, format_number(value), describe(range, "a number"), help);
    }
    void truth(char const* key, bool& value, char const* help) override {
        add(key, Kind::boolean, value ? "true" : "false", describe_bool, help);
    }
    void choice(char const* key, std::size_t& index, Choices const& words, char const* help, void const*) override {
        add(key, Kind::choice, words.at(index), describe(words), help);
    }
    void file(char const* key, std::string& value, char const* help) override {
        add(key, Kind::file, value, describe_file, help);
    }
    void add(char const* key, Kind kind, std::string value, std::string allowed, char const* help) {
        keys_.push_back({section_, key, kind, std::move(value), std::move(allowed), help});
    }

    std::string const& section_;
    std::vector<KeyHelp>& keys_;
};

}  // namespace

void assign(Config& config, std::string_view section, std::string_view key, std::string_view value,
            Entry const& origin) {
    Setter setter(section, key, value, origin);
    if (Section* const fields = config.find(section)) { fields->visit(setter); }
    if (!setter.found()) { throw_unknown(section, key, origin, config); }
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
        Lister lister(section.name(), keys);
        section.read(lister);
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
        throw ConfigError(concat(origin.location(), ": unknown section ", excerpt(section), " in ", excerpt(section),
                                 ".", excerpt(key), " (nearest: ", nearest(section, sections),
                                 "; allowed: ", join(sections), ")"));
    }
    // A key put in the wrong section should be found as well, at the price of one edit.
    std::string best;
    std::size_t fewest = std::numeric_limits<std::size_t>::max();
    for (KeyHelp const& known : keys) {
        bool const sibling = known.section == section;
        std::size_t const edits = edit_distance(key.substr(0, 100), known.key) * 2 + (sibling ? 0 : 3);
        if (edits < fewest) {
            fewest = edits;
            best = known.name();
        }
    }
    throw ConfigError(concat(origin.location(), ": unknown key ", section, ".", excerpt(key), " (nearest: ", best,
                             "; allowed in [", section, "]: ", join(siblings), ")"));
}

}  // namespace alignsweep::config
