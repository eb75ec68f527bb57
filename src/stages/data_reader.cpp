// SPDX-License-Identifier: Apache-2.0
#include "stages/data_reader.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace alignsweep::stages {

void fail(FileReader const& file, std::string const& path, std::string const& what) {
    throw core::IoError(core::concat(file.path().string(), ": dataset ", path, ": ", what));
}

// `path` holds one entry a row of `rows`.
template <class T>
std::vector<T> read_column(FileReader const& file, std::string const& path, std::size_t rows) {
    auto column = file.read<T>(path);
    if (column.size() != rows) { fail(file, path, core::concat("has ", column.size(), " entries; ", rows, " belong")); }
    return column;
}

template std::vector<std::int64_t> read_column(FileReader const&, std::string const&, std::size_t);
template std::vector<double> read_column(FileReader const&, std::string const&, std::size_t);

namespace {

void check_range(FileReader const& file, std::string const& path, std::vector<std::int64_t> const& values,
                 std::int64_t low, std::int64_t end) {
    for (std::int64_t const value : values) {
        if (value < low || value >= end) {
            fail(file, path, core::concat("holds ", value, "; from ", low, " to ", end - 1, " is allowed"));
        }
    }
}

}  // namespace

std::vector<std::int64_t> read_index(FileReader const& file, std::string const& path, std::size_t rows,
                                     std::int64_t low, std::int64_t end) {
    auto column = read_column<std::int64_t>(file, path, rows);
    check_range(file, path, column, low, end);
    return column;
}

std::vector<std::int32_t> read_tokens(FileReader const& file, std::string const& path, std::int64_t vocabulary) {
    auto const tokens = file.read<std::int64_t>(path);
    check_range(file, path, tokens, 0, vocabulary);
    return {tokens.begin(), tokens.end()};
}

std::vector<std::vector<std::int32_t>> read_lists(FileReader const& file, std::string const& path,
                                                  std::int64_t vocabulary) {
    std::vector<std::int32_t> const tokens = read_tokens(file, path + "/tokens", vocabulary);
    auto const offsets = file.read<std::int64_t>(path + "/offsets");
    auto const size = static_cast<std::int64_t>(tokens.size());
    if (offsets.empty() || offsets.front() != 0 || offsets.back() != size ||
        !std::is_sorted(offsets.begin(), offsets.end())) {
        fail(file, path + "/offsets", core::concat("must rise from 0 to the number of tokens, ", size));
    }
    std::vector<std::vector<std::int32_t>> lists;
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
        lists.emplace_back(tokens.begin() + offsets[i], tokens.begin() + offsets[i + 1]);
    }
    return lists;
}

std::vector<data::Example> read_examples(FileReader const& file, std::string const& path, std::int64_t vocabulary) {
    auto prompts = read_lists(file, path + "/prompt", vocabulary);
    auto completions = read_lists(file, path + "/completion", vocabulary);
    if (prompts.size() != completions.size()) {
        fail(file, path, core::concat(prompts.size(), " prompts, and ", completions.size(), " completions"));
    }
    std::vector<data::Example> examples;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        examples.push_back({std::move(prompts[i]), std::move(completions[i])});
    }
    return examples;
}

}  // namespace alignsweep::stages
