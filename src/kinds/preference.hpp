// SPDX-License-Identifier: Apache-2.0
// What dpo and kto share.
#pragma once

#include "stages/descriptor.hpp"

#include <cstdint>
#include <limits>

namespace alignsweep::kinds {

inline constexpr std::int64_t all_steps = std::numeric_limits<std::int64_t>::max();

// The SFT model's log-probabilities of the feedback are worked out once for both.
inline std::vector<stages::Input> preference_inputs(config::Config const&, stages::Descriptor const*) {
    return {{"sft", "sft"}, {"feedback", "feedback"}, {"reference", "reference"}};
}

// A variant for each row of a table of losses.
template <class Rows>
std::vector<stages::Variant> variants_of(char const* key, Rows const& rows) {
    std::vector<stages::Variant> variants;
    for (auto const& row : rows) { variants.push_back({key, row.name, row.equation, row.source}); }
    return variants;
}

}  // namespace alignsweep::kinds
