// SPDX-License-Identifier: Apache-2.0
// From the trials of a sweep to the graph of their stages: equal stages are one.
#pragma once

#include "config/sweep_plan.hpp"
#include "stages/stage.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace alignsweep::sweep {

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

}  // namespace alignsweep::sweep
