// SPDX-License-Identifier: Apache-2.0
// Checkpoints of a stage that runs.
#pragma once

#include "model/learner.hpp"

#include <filesystem>
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

// Checkpoints of a running stage (stages::progress_file); the two newest are kept.
void save_progress(std::filesystem::path const& folder, std::int64_t step, std::vector<Trainee> const& trainees,
                   std::map<std::string, double> const& state);
// Restores the newest whole checkpoint and returns its step; 0 where there is none.
std::int64_t load_progress(std::filesystem::path const& folder, std::vector<Trainee> const& trainees,
                           std::map<std::string, double>& state);

}  // namespace alignsweep::train
