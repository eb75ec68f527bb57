// SPDX-License-Identifier: Apache-2.0
// All kinds of stages, and what a stage is, costs and does by its kind's description. A new kind is a file of this
// folder and a line of list.inc.
#pragma once

#include "config/sweep_plan.hpp"
#include "stages/descriptor.hpp"
#include "stages/stage.hpp"

namespace alignsweep::kinds {

// In the order of list.inc (registry.cpp).
[[nodiscard]] std::vector<stages::Descriptor> const& all();
// Throws std::logic_error for an unknown kind.
[[nodiscard]] stages::Descriptor const& kind(std::string const& name);
// The methods of alignment, in the order of the tables: rlhf, dpo, kto, ..., with all sections of the configuration and
// all checks of it, those of the kinds among them.
[[nodiscard]] config::Program const& program();

// Builds a stage: its identity holds kind, version, backend, scalar type, the sections and seeds that the kind reads,
// and the keys of its inputs. Throws ConfigError where the kind refuses the configuration.
[[nodiscard]] stages::StageSpec make_stage(std::string const& kind, config::Config const& config, std::int64_t seed,
                                           std::map<std::string, std::string> inputs);

// Roles of the models that a stage kind holds at once: policy, reference, reward_model, ...
[[nodiscard]] std::vector<std::string> models_held(std::string const& kind, config::Config const& config);

// Relative work of a stage (FLOPs, roughly), for longest-first scheduling and the plan.
struct Estimate {
    double tokens = 0.0, flops = 0.0;
    double work = 0.0;  // FLOPs weighted by how long the kind takes for one: for estimates of time
};
[[nodiscard]] Estimate estimate(stages::StageSpec const& spec);

}  // namespace alignsweep::kinds
