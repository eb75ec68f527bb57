// SPDX-License-Identifier: Apache-2.0
// The steps of a stage that trains: resume, log, publish, checkpoint, stop.
#pragma once

#include "model/learner.hpp"
#include "stages/context.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace alignsweep::train {

// A model in training, or (without a learner) one that changes beside it.
struct Trainee {
    std::string name;  // prefix in the checkpoint: "", "value." or "reference."
    model::Weights* weights;
    model::Learner* learner;  // nullptr: none
};

// Calls step(s) for s up to `steps`, from the newest whole checkpoint on (stages::progress_file; the two newest are
// kept). `state`: numbers that step changes and that a checkpoint keeps; its first values hold where there is no
// checkpoint. Throws Stopped after the step in which the host asked for it, with everything saved. Returns the last
// step's metrics; empty where no step was left.
using Step = std::function<std::map<std::string, double>(std::int64_t)>;
std::map<std::string, double> run_steps(stages::Context& context, std::vector<Trainee> const& trainees,
                                        std::map<std::string, double>& state, std::int64_t steps, Step const& step);

}  // namespace alignsweep::train
