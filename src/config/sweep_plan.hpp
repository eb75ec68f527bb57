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
    std::vector<TrialPoint> trials;       // in plan order
    std::vector<std::string> axis_names;  // of the whole sweep, in the order written
    std::vector<std::string> methods;
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

}  // namespace alignsweep::config
