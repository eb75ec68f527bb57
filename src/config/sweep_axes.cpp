// SPDX-License-Identifier: Apache-2.0
#include "config/sweep_plan.hpp"

#include "config/text.hpp"
#include "config/values.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace alignsweep::config {

using core::concat;
using core::ConfigError;
using core::excerpt;

namespace {

template <class... What>
[[noreturn]] void fail(Entry const& entry, What const&... what) {
    throw ConfigError(entry.location(), ": sweep.", excerpt(entry.key), ": ", what...);
}

// Fails where two of the items are equal.
template <class Items, class Show>
void refuse_repeats(Entry const& entry, Items const& items, Show const& show) {
    std::set<typename Items::value_type> seen;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!seen.insert(items[i]).second) { fail(entry, show(i), " is listed twice"); }
    }
}

// The items of a list, none of them empty.
std::vector<std::string> items_of(Entry const& entry) {
    std::vector<std::string> items = split_list(entry.value);
    if (items.empty()) { fail(entry, "an empty list; allowed: one or more values, separated by commas"); }
    if (std::find(items.begin(), items.end(), "") != items.end()) {
        fail(entry, "an empty item in '", excerpt(entry.value), "'; allowed: values separated by single commas");
    }
    return items;
}

using Integers = std::vector<std::int64_t>;

// The integers of "a..b"; nothing where the item is not a range.
std::optional<Integers> range_of(std::string const& item, Entry const& entry) {
    std::size_t const dots = item.find("..");
    if (dots == std::string::npos) { return std::nullopt; }
    auto const first = parse_integer(trim(std::string_view(item).substr(0, dots)));
    auto const last = parse_integer(trim(std::string_view(item).substr(dots + 2)));
    if (!first || !last) { fail(entry, "malformed range ", excerpt(item), "; allowed: a..b with integers a <= b"); }
    if (*first > *last) { fail(entry, "descending range ", excerpt(item), "; allowed: a..b with a <= b"); }
    // As unsigned, the difference of any two integers fits.
    if (static_cast<std::uint64_t>(*last) - static_cast<std::uint64_t>(*first) >= most_trials) {
        fail(entry, "range ", excerpt(item), " is too long; allowed: at most ", most_trials, " values");
    }
    Integers values;
    for (std::int64_t value = *first;; ++value) {  // no `value <= last`: last may be the largest integer
        values.push_back(value);
        if (value == *last) { return values; }
    }
}

std::vector<std::string> read_methods(Entry const& entry, std::span<std::string const> known) {
    std::vector<std::string> const methods = items_of(entry);
    for (std::string const& method : methods) {
        if (std::find(known.begin(), known.end(), method) == known.end()) {
            fail(entry, "unknown method ", excerpt(method), " (nearest: ", nearest(method, known),
                 "; allowed: ", join(known), ")");
        }
    }
    refuse_repeats(entry, methods, [&](std::size_t i) { return "method " + methods[i]; });
    return methods;
}

std::vector<std::int64_t> read_seeds(Entry const& entry) {
    constexpr std::int64_t largest = 9'000'000'000'000'000;  // as [seed]: exact as a float64 in results
    std::vector<std::int64_t> seeds;
    for (std::string const& item : items_of(entry)) {
        if (auto const range = range_of(item, entry)) {
            seeds.insert(seeds.end(), range->begin(), range->end());
        } else if (auto const seed = parse_integer(item)) {
            seeds.push_back(*seed);
        } else {
            fail(entry, excerpt(item), " is not a seed; allowed: integers and ranges a..b");
        }
        if (seeds.size() > most_trials) { fail(entry, "more than ", most_trials, " seeds"); }
    }
    for (std::int64_t const seed : seeds) {
        if (seed < 0 || seed > largest) {
            fail(entry, "seed ", seed, " is out of range; allowed: integers from 0 to ", largest);
        }
    }
    refuse_repeats(entry, seeds, [&](std::size_t i) { return concat("seed ", seeds[i]); });
    return seeds;
}

// The texts of an axis, ranges written out.
std::vector<std::string> texts_of(Entry const& entry, Kind kind) {
    std::vector<std::string> texts;
    for (std::string const& item : items_of(entry)) {
        // In a path, ".." is the parent folder.
        bool const has_dots = item.find("..") != std::string::npos;
        if (has_dots && kind == Kind::number) {
            fail(entry, "range ", excerpt(item), ": only integers have ranges; list them");
        }
        auto const range = kind == Kind::integer ? range_of(item, entry) : std::nullopt;
        if (!range) { texts.push_back(item); }
        for (auto const value : range.value_or(Integers())) { texts.push_back(std::to_string(value)); }
        if (texts.size() > most_trials) { fail(entry, "more than ", most_trials, " values"); }
    }
    return texts;
}

[[noreturn]] void throw_unknown_axis(Entry const& entry, Config const& defaults) {
    std::vector<std::string> names = {"method", "seed", "zip"};
    for (KeyHelp const& known : all_keys(defaults)) { names.push_back(known.name()); }
    throw ConfigError(entry.location(), ": unknown key ", excerpt(entry.key),
                      " in [sweep] (nearest: ", nearest(entry.key, names),
                      "; allowed: method, seed, zip, or section.key of any key)");
}

Axis read_axis(Entry const& entry, std::span<std::string const> known_methods, Config const& defaults) {
    std::size_t const dot = entry.key.find('.');
    std::string const key = dot == std::string::npos ? "" : entry.key.substr(dot + 1);
    Axis axis{entry.key, entry.key.substr(0, dot), key, entry, false, {}, {}};
    auto const known = find_key(axis.section, axis.key, defaults);
    if (!known) { throw_unknown_axis(entry, defaults); }
    if (axis.section == "run") { fail(entry, "no result depends on [run], so it can't be an axis"); }
    if (std::find(known_methods.begin(), known_methods.end(), axis.section) != known_methods.end()) {
        axis.method = axis.section;
    }
    axis.is_text = known->kind == Kind::choice || known->kind == Kind::file;

    Config config = defaults;
    for (std::string const& text : texts_of(entry, known->kind)) {
        assign(config, axis.section, axis.key, text, entry);
        Value const value = value_of(config, axis.section, axis.key);
        double const place = static_cast<double>(axis.values.size());
        axis.values.push_back({text, value.text, known->kind == Kind::file ? place : value.number});
    }
    return axis;
}

// Moves the axes that `entry` names into the group of the first of them.
void zip_axes(Entry const& entry, std::vector<AxisGroup>& groups) {
    std::vector<std::string> const names = items_of(entry);
    if (names.size() < 2) { fail(entry, "allowed: two or more axes to pair"); }
    std::vector<std::string> axes;
    for (AxisGroup const& group : groups) { axes.push_back(group.front().name); }
    for (std::string const& name : names) {
        if (std::find(axes.begin(), axes.end(), name) == axes.end()) {
            std::string const allowed = axes.empty() ? "this sweep has no axis" : "allowed: " + join(axes);
            fail(entry, excerpt(name), " is not an axis of this sweep; ", allowed);
        }
    }
    refuse_repeats(entry, names, [&](std::size_t i) { return names[i]; });
    auto const is_named = [&](AxisGroup const& group) {
        return std::find(names.begin(), names.end(), group.front().name) != names.end();
    };
    AxisGroup& zipped = *std::find_if(groups.begin(), groups.end(), is_named);
    for (AxisGroup& group : groups) {
        if (&group == &zipped || !is_named(group)) { continue; }
        Axis const &first = zipped.front(), &axis = group.front();
        if (axis.values.size() != first.values.size()) {
            fail(entry, first.name, " has ", first.values.size(), " values and ", axis.name, " has ",
                 axis.values.size(), "; allowed: axes of equal length");
        }
        zipped.push_back(std::move(group.front()));
        group.clear();
    }
    std::erase_if(groups, [](AxisGroup const& group) { return group.empty(); });
}

// Equal rows would be two trials with one key.
void refuse_equal_rows(AxisGroup const& group) {
    std::vector<Axis const*> axes;
    for (Axis const& axis : group) { axes.push_back(&axis); }
    std::vector<std::vector<std::string>> rows;
    for (std::size_t row = 0; row < group.front().values.size(); ++row) { rows.push_back(settings_of(axes, row)); }
    refuse_repeats(group.front().origin, rows, [&](std::size_t row) {
        std::vector<std::string> shown;
        for (Axis const& axis : group) { shown.push_back(concat(axis.name, " = ", excerpt(axis.values[row].text))); }
        return join(shown);
    });
}

}  // namespace

std::vector<std::string> settings_of(std::vector<Axis const*> const& axes, std::size_t row) {
    std::vector<std::string> settings;
    for (Axis const* axis : axes) { settings.push_back(axis->values[row].same); }
    return settings;
}

SweepEntries read_sweep(std::span<Entry const> entries, std::span<std::string const> known_methods,
                        Config const& defaults) {
    std::vector<Entry> latest;
    for (Entry const& entry : entries) {
        if (entry.section != "sweep") { continue; }
        auto const earlier = std::ranges::find(latest, entry.key, &Entry::key);
        (earlier == latest.end() ? latest.emplace_back() : *earlier) = entry;
    }

    SweepEntries sweep{{known_methods.begin(), known_methods.end()}, {1}, {}};
    Entry const* zip = nullptr;
    for (Entry const& entry : latest) {
        if (entry.key == "method") {
            sweep.methods = read_methods(entry, known_methods);
        } else if (entry.key == "seed") {
            sweep.seeds = read_seeds(entry);
        } else if (entry.key == "zip") {
            zip = &entry;
        } else {
            sweep.groups.push_back({read_axis(entry, known_methods, defaults)});
        }
    }
    if (zip != nullptr) { zip_axes(*zip, sweep.groups); }
    for (AxisGroup const& group : sweep.groups) { refuse_equal_rows(group); }
    return sweep;
}

}  // namespace alignsweep::config
