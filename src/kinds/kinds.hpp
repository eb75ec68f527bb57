// SPDX-License-Identifier: Apache-2.0
// What the surroundings see of the kinds of stages: names, identities, costs, and how one is run.
#pragma once

#include "stages/stage.hpp"

namespace alignsweep::kinds {

// Relative work of a stage (FLOPs, roughly), for longest-first scheduling and the plan.
struct Estimate {
    double tokens = 0.0, flops = 0.0;
    double work = 0.0;  // FLOPs weighted by how long the kind takes for one: for estimates of time
};
[[nodiscard]] Estimate estimate(stages::StageSpec const& spec);

// Builds a stage: its identity holds kind, version, backend, scalar type, the sections and seeds that the kind reads,
// and the keys of its inputs. Throws ConfigError for an unknown kind.
[[nodiscard]] stages::StageSpec make_stage(std::string const& kind, config::Config const& config, std::int64_t seed,
                                           std::map<std::string, std::string> inputs);

// The methods of alignment, in the order of the tables: rlhf, dpo, kto, ... Each is a stage kind as well.
[[nodiscard]] std::vector<std::string> const& method_names();

// Roles of the models that a stage kind holds at once: policy, reference, reward_model, ...
[[nodiscard]] std::vector<std::string> models_held(std::string const& kind, config::Config const& config);

// Runs a stage from its last checkpoint, or from the beginning, in <host.stages>/<id>, and writes its manifest last.
// Throws TrialError (a NaN, say), IoError, or Stopped after a checkpoint.
void execute(stages::StageSpec const& spec, stages::StageHost const& host);

// True if the stage's manifest stands. Throws IoError for a malformed one.
[[nodiscard]] bool is_done(std::filesystem::path const& stages, std::string const& id);

}  // namespace alignsweep::kinds
