// SPDX-License-Identifier: Apache-2.0
// Files of one entry a row of a data set: what `score` and `gold` write.
#pragma once

#include "store/file.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace alignsweep::score {

// Columns of one entry a row, and facts that hold for the whole file.
struct Columns {
    struct Column {
        std::string path, unit, description;
        std::vector<double> values;
        bool whole = false;  // counts, and 0 or 1: stored as int64, all else as float64
    };
    std::vector<Column> columns;
    std::map<std::string, store::Attribute> attributes;

    void add(std::string path, std::string unit, std::string description, std::vector<double> values) {
        columns.push_back({std::move(path), std::move(unit), std::move(description), std::move(values)});
    }
    void add_whole(std::string path, std::string unit, std::string description, std::vector<double> values) {
        columns.push_back({std::move(path), std::move(unit), std::move(description), std::move(values), true});
    }
};

// What a file is: its schema and version, and what an error calls it ("a file of scores").
struct Format {
    char const* schema;
    std::int64_t version;
    char const* name;
};

// Before the work: throws IoError where the folder of `out` is missing, or `out` is a file of something else, which is
// never replaced.
void check_out(std::filesystem::path const& out, Format const& format);

// Sets the units and the description of a dataset.
void describe(store::FileWriter& file, std::string const& path, std::string const& unit,
              std::string const& description);

// Writes `line` (the data file's line on which each row begins), the columns, and as attributes the facts, the data
// file's path and which program this is.
void write_columns(store::FileWriter& file, std::filesystem::path const& data, std::vector<std::int64_t> const& lines,
                   Columns const& columns);

}  // namespace alignsweep::score
