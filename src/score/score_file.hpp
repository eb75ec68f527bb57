// SPDX-License-Identifier: Apache-2.0
// The file that `score` writes.
#pragma once

#include "score/score_rows.hpp"
#include "store/file.hpp"

#include <map>
#include <string>
#include <vector>

namespace alignsweep::score {

// Columns of one entry a row, and numbers that hold for the whole file.
struct ScoreColumns {
    struct Column {
        std::string path, unit, description;
        std::vector<double> values;
    };
    std::vector<Column> columns;
    std::map<std::string, store::Attribute> attributes;

    void add(std::string path, std::string unit, std::string description, std::vector<double> values) {
        columns.push_back({std::move(path), std::move(unit), std::move(description), std::move(values)});
    }
};

// Before the work: throws IoError where the folder of `out` is missing, or `out` is a file of something else, which is
// never replaced.
void check_scores_file(std::filesystem::path const& out);

// Counts of tokens and labels become int64, everything else float64.
void write_scores(ScoreRequest const& request, ScoreRows const& rows, ScoreColumns const& scores);

}  // namespace alignsweep::score
