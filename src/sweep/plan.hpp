// SPDX-License-Identifier: Apache-2.0
// A sweep as it was asked for, and the way from its trials to the graph of their stages: equal stages are one.
#pragma once

#include "config/ini.hpp"
#include "config/sweep_plan.hpp"
#include "stages/stage.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace alignsweep::sweep {

namespace fs = std::filesystem;

// One row of the results: a method at a seed and a point of the axes, or the base or SFT model that it starts from.
struct Trial {
    std::string method;
    std::int64_t seed = 0;
    std::map<std::string, double> axes;
    std::map<std::string, std::string> text_axes;
    std::string model_stage;     // whose weights and curves these are
    std::string evaluate_stage;  // whose metrics
    // Side stages by kind: what each token is worth, say. Their failure leaves the trial done.
    std::map<std::string, std::string> sides;
    std::set<std::string> stages;  // all that the trial needs, without the side stages

    // Empty: there is none.
    [[nodiscard]] std::string side(std::string const& kind) const {
        auto const found = sides.find(kind);
        return found == sides.end() ? std::string() : found->second;
    }
};

struct Plan {
    std::map<std::string, stages::StageSpec> stages;  // by id
    std::vector<Trial> trials;                        // base and SFT models first, then the methods in plan order
    // Work of the longest chain of stages that starts with this one, for longest-first scheduling.
    std::map<std::string, double> priority;
};

[[nodiscard]] Plan make_plan(config::SweepSpec const& sweep);

// Adds a stage and all that it comes from.
void add_with_inputs(Plan const& plan, std::string const& id, std::set<std::string>& ids);

// The sweep as it was asked for is kept beside its results: `status` needs no other file.
// <out>/sweep.ini: all entries of files and --set in one file, the last value of each key; paths are absolute.
void write_sweep_ini(fs::path const& out, std::span<config::Entry const> entries);
// Throws IoError where the folder holds none.
[[nodiscard]] std::vector<config::Entry> read_sweep_ini(fs::path const& out);

}  // namespace alignsweep::sweep
