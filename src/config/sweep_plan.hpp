// SPDX-License-Identifier: Apache-2.0
// [sweep]: from entries to the list of trials.
//
//   method = rlhf, dpo, kto       which methods, in this order; default: all known ones
//   seed = 1..8, 11               the replicates; default: 1
//   model.width = 64, 128         any configuration key is an axis; its values cross with every other axis's
//   dpo.beta = 0.05, 0.1, 0.5     an axis of a method's section multiplies only that method's trials
//   zip = model.width, model.hidden     these axes are paired, first with first, instead of crossed
//
// Integers may be ranges (a..b, both ends included). An axis applies after all plain settings, so it wins over them.
#pragma once

#include "config/ini.hpp"
#include "config/schema.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace alignsweep::config {

// One trial of the sweep.
struct TrialPoint {
    std::string method;
    std::int64_t seed = 1;
    Config config;
    // The axes that apply to this trial, by config name. A choice counts as its index, a file as its place in the axis.
    std::map<std::string, double> axes;
    // The words or paths behind those two kinds.
    std::map<std::string, std::string> text_axes;
};

struct SweepSpec {
    std::vector<TrialPoint> trials;  // in plan order
};

// What a program has that sweeps are written for.
struct Program {
    Config defaults{};
    std::vector<std::string> methods;
    // The checks that involve several fields. Throws ConfigError that names the keys, their values and what is allowed.
    void (*validate)(Config const&);
};

// The trials in plan order: methods as listed, then the axes as written (the first one varies slowest; zipped axes
// stand where their first one does), then seeds, innermost. Without [sweep] entries: one trial a known method, seed 1.
// Where zipped axes belong to different methods, a method sees the rows of its own axes, each distinct one once.
// Throws ConfigError, starting with file and line, on an unknown key (with the nearest) or method, a method, seed or
// axis value listed twice, an empty list or item, a descending range, a value that its key does not allow, zipped axes
// of unequal length, an axis of [run] (no result depends on it), more than 1e6 trials, and on a trial whose
// configuration fails `validate` (with the trial's axes).
[[nodiscard]] SweepSpec expand(std::span<Entry const> entries, Program const& program);

// The entries of [sweep], read and checked one by one (sweep_axes.cpp); `expand` makes trials of them.

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

// What the axes of a row set: equal for rows that make the same trial.
[[nodiscard]] std::vector<std::string> settings_of(std::vector<Axis const*> const& axes, std::size_t row);

struct SweepEntries {
    std::vector<std::string> methods;
    std::vector<std::int64_t> seeds;
    std::vector<AxisGroup> groups;  // in the order in which the axes (of a group: its first) were first written
};

// Reads [sweep] out of `entries`; a later entry replaces an earlier one of the same key, in the earlier one's place.
// `defaults` is the configuration that file paths and types of the axes go by.
// Throws ConfigError, starting with file and line, on all that `expand` names but for the number of trials.
[[nodiscard]] SweepEntries read_sweep(std::span<Entry const> entries, std::span<std::string const> known_methods,
                                      Config const& defaults);

}  // namespace alignsweep::config
