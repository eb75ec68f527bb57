// SPDX-License-Identifier: Apache-2.0
// Scores any data set under any model: log-probabilities, implicit or learnt rewards and losses, row by row.
#pragma once

#include "config/schema.hpp"
#include "data/token_rows.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace alignsweep::score {

// What can be scored: a loss of pairs, thumbs or completions, by log-probabilities or by a reward model's head.
struct ScoreMethod {
    std::string name;
    std::string reads, writes;  // keys of a row, and columns, as the program's help has them
    data::TokenRowKind rows;
    std::vector<std::string> keys{};  // of the configuration that it reads
    bool reads_head = false, reads_reference = false;
};
[[nodiscard]] std::vector<ScoreMethod> const& score_methods();

struct ScoreRequest {
    std::filesystem::path policy, reference, data, tokenizer, out;  // no reference, no tokenizer: empty
    ScoreMethod method;
    config::Config config;  // the loss, data.bad_rows, data.too_long, model.chunk, seed.feedback
    bool in_double = false;
};

struct ScoreSummary {
    std::int64_t scored = 0, too_long = 0;              // rows
    data::ReadCounts counts;                            // of the file
    std::vector<std::pair<std::string, double>> means;  // of the columns, over the rows scored
};

// Writes request.out, one HDF5 file: columns of one entry a row (`line` says which line of the data it was), and what
// they depend on as attributes. Throws ConfigError, and IoError, also where a result is not finite: the model's file is
// at fault.
ScoreSummary score(ScoreRequest const& request);

}  // namespace alignsweep::score
