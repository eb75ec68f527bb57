// SPDX-License-Identifier: Apache-2.0
// The mismatched completions of KTO's z0.
#pragma once

#include "core/random.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::stages {

struct PartnerRow {
    std::span<std::int32_t const> prompt, completion;
};

// For each row the index of another one, of another prompt, whose completion fits `room` tokens after this row's
// prompt, drawn once; -1: none does. Searched from a random place on, so that even a data set of almost equal prompts
// finds one.
[[nodiscard]] std::vector<std::int64_t> draw_partners(std::span<PartnerRow const> rows, std::size_t room,
                                                      core::RandomStream const& stream);

}  // namespace alignsweep::stages
