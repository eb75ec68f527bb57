// SPDX-License-Identifier: Apache-2.0
// KTO's mismatched examples: each thumb's prompt with the completion of another prompt's thumb.
#pragma once

#include "config/field.hpp"
#include "core/random.hpp"
#include "data/batch.hpp"

namespace alignsweep::train {

// For each, the place of one with another prompt whose completion fits `room` tokens after the own prompt; -1 where
// there is none. Searched from a random place on, so that even a data set of almost equal prompts finds one.
[[nodiscard]] std::vector<std::int64_t> draw_partners(std::vector<data::Example const*> const& examples,
                                                      config::Int room, core::RandomStream stream, std::uint32_t step);

}  // namespace alignsweep::train
