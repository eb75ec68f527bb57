// SPDX-License-Identifier: Apache-2.0
// Which prompts of a real data set are kept for evaluation.
#pragma once

#include "core/random.hpp"

#include <string>

namespace alignsweep::sources {

// By the prompt's text alone, so that every row of a prompt, in every file, falls on the same side.
inline bool is_heldout(std::string const& prompt, double share) {
    return core::RandomStream(0, "heldout/" + prompt).uniform(0, 0, 0) < share;
}

}  // namespace alignsweep::sources
