// SPDX-License-Identifier: Apache-2.0
// All kinds of stages, by name. A new one is a file of this folder and a line of list.inc.
#pragma once

#include "stages/descriptor.hpp"
#include "stages/stage.hpp"

namespace alignsweep::kinds {

// Made anew at each call: registry.cpp.
[[nodiscard]] std::vector<stages::Descriptor> describe_all();

// In the order of list.inc.
[[nodiscard]] std::vector<stages::Descriptor> const& all();
// Throws std::logic_error for an unknown kind.
[[nodiscard]] stages::Descriptor const& kind(std::string const& name);
// The methods of alignment, in the order of the tables: rlhf, dpo, kto, ...
[[nodiscard]] std::vector<std::string> const& method_names();

// stages::make_stage, of the kind of that name.
[[nodiscard]] stages::StageSpec make_stage(std::string const& name, config::Config const& config, std::int64_t seed,
                                           std::map<std::string, std::string> inputs);

}  // namespace alignsweep::kinds
