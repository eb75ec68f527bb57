// SPDX-License-Identifier: Apache-2.0
// The exact gold reward of any answer to a prompt of a sweep's world, and all that it is made of, row by row.
#pragma once

#include "config/sweep_plan.hpp"
#include "data/jsonl.hpp"
#include "stats/mean.hpp"
#include "world/gold.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace alignsweep::score {

// The first trial of a sweep whose trials all ask in one world of texts. Throws ConfigError where they read files,
// where there are several worlds (naming the axes), and where the answers are no texts.
[[nodiscard]] config::TrialPoint const& trial_of_one_world(config::SweepSpec const& sweep);

struct GoldRequest {
    config::TrialPoint trial;         // whose world, and whose data.bad_rows
    std::filesystem::path data, out;  // rows of "prompt", "completion" and, where it is not true, "ended"
};

struct GoldSummary {
    std::uint64_t seed;  // of the world
    world::Range range;
    data::ReadCounts counts;
    struct Means {
        std::string column;
        // Over all rows, and over those of each PromptKind.
        std::array<stats::Mean, 1 + world::prompt_kind_names.size()> values;
    };
    std::vector<Means> means;
};

// Writes request.out, one HDF5 file of one entry a row. A prompt may lack the space before it and the line end behind
// it. Throws IoError (file and line) for a row that is bad or asks what this world does not, unless data.bad_rows =
// skip leaves it out.
GoldSummary gold(GoldRequest const& request);

}  // namespace alignsweep::score
