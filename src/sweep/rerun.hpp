// SPDX-License-Identifier: Apache-2.0
// Finished stages run once more, beside the results, and held against what stands: does this machine compute the same?
#pragma once

#include "sweep/plan.hpp"

#include <string>
#include <vector>

namespace alignsweep::sweep {

// Stages of the plan by "all", a kind's name, or a stage's id. Throws ConfigError for another name.
[[nodiscard]] std::vector<std::string> stages_named(Plan const& plan, std::vector<std::string> const& names);

// Runs the stage in a folder of its own in `out`, on the inputs that stand, and removes it again. Returns what differs:
// files, metrics and, where the stage was run with run.trace, the first launch of a kernel; nothing where all bits are
// equal. Throws IoError where the stage is not finished, and what the stage throws.
[[nodiscard]] std::vector<std::string> rerun(Plan const& plan, fs::path const& out, std::string const& id);

}  // namespace alignsweep::sweep
