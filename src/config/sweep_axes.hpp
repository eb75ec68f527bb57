// SPDX-License-Identifier: Apache-2.0
// The entries of [sweep], read and checked one by one. sweep_plan.hpp makes trials of them.
#pragma once

#include "config/ini.hpp"
#include "config/schema.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace alignsweep::config {

// No list and no sweep is longer: a mistyped range ends in an error, not in a full memory.
inline constexpr std::size_t most_trials = 1'000'000;

struct AxisValue {
    std::string text;  // as assign takes it
    std::string same;  // equal for values that set the field alike ("0.1" and "0.10")
    double number;     // of a choice its index, of a file its place in the list
};

// One key that the sweep varies.
struct Axis {
    std::string name, section, key;
    Entry origin;
    bool is_text = false;  // a choice or a file
    std::string method;    // the only method that it applies to; empty: all
    std::vector<AxisValue> values;
};

// Axes that move together: the product runs over groups. Without zip, each axis is a group of its own.
using AxisGroup = std::vector<Axis>;

struct SweepEntries {
    std::vector<std::string> methods;
    std::vector<std::int64_t> seeds;
    std::vector<AxisGroup> groups;  // in the order in which the axes (of a group: its first) were first written
};

// Reads [sweep] out of `entries`; a later entry replaces an earlier one of the same key, in the earlier one's place.
// `defaults` is the configuration that file paths and types of the axes go by.
// Throws ConfigError, starting with file and line, on all that sweep_plan.hpp names but for the number of trials.
[[nodiscard]] SweepEntries read_sweep(std::span<Entry const> entries, std::span<std::string const> known_methods,
                                      Config const& defaults);

}  // namespace alignsweep::config
