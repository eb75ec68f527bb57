// SPDX-License-Identifier: Apache-2.0
// The data set that `score` reads, as tokens.
#pragma once

#include "data/batch.hpp"
#include "score/score.hpp"
#include "score/text_tokens.hpp"

#include <cstdint>
#include <vector>

namespace alignsweep::score {

struct ScoreRows {
    std::vector<std::int64_t> lines;  // of the file, from 1: which rows the following are
    // Of pairs: both of a row. Else `first` alone, the completion.
    std::vector<data::Example> first, second;
    std::vector<bool> desirable;                // thumbs
    std::vector<data::Example> mismatched;      // kto: of those rows that have one
    std::vector<std::int64_t> mismatched_rows;  // which
    RowCounts counts;
};

// The rows of request.data that fit `context` tokens, all ids below `vocabulary`; a warning names those that
// data.bad_rows = skip leaves out. Throws IoError (file and line), ConfigError where data.too_long = error, or nothing
// is left.
[[nodiscard]] ScoreRows read_score_rows(ScoreRequest const& request, infer::ModelSource const& policy,
                                        std::int64_t vocabulary, std::int64_t context);

}  // namespace alignsweep::score
