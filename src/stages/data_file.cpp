// SPDX-License-Identifier: Apache-2.0
#include "stages/data_file.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace alignsweep::stages {

void DataFile::check_rows(std::string const& path, std::size_t found, std::size_t rows) const {
    if (rows != any_length && found != rows) { fail(path, "has ", found, " values, expected ", rows); }
}

void DataFile::check_range(std::string const& path, std::vector<std::int64_t> const& values, std::int64_t least,
                           std::int64_t most) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] >= least && values[i] <= most) { continue; }
        fail(path, "value ", i, " is ", values[i], "; ", least, " to ", most, " is allowed");
    }
}

std::vector<std::int64_t> DataFile::indices(std::string const& path, std::size_t rows, std::size_t size,
                                            std::int64_t least) const {
    auto values = column<std::int64_t>(path, rows);
    check_range(path, values, least, static_cast<std::int64_t>(size) - 1);
    return values;
}

std::vector<std::int32_t> DataFile::codes(std::string const& path, std::size_t rows) const {
    auto const values = column<std::int64_t>(path, rows);
    check_range(path, values, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    return {values.begin(), values.end()};
}

std::vector<std::int32_t> DataFile::tokens(std::string const& path, std::int64_t vocabulary) const {
    auto const values = column<std::int64_t>(path);
    check_range(path, values, 0, vocabulary - 1);
    return {values.begin(), values.end()};
}

std::vector<std::vector<std::int32_t>> DataFile::lists(std::string const& path, std::int64_t vocabulary) const {
    auto const all = tokens(path + "/tokens", vocabulary);
    auto const offsets = column<std::int64_t>(path + "/offsets");
    bool const whole = !offsets.empty() && offsets.front() == 0 &&
                       offsets.back() == static_cast<std::int64_t>(all.size()) &&
                       std::is_sorted(offsets.begin(), offsets.end());
    if (!whole) { fail(path + "/offsets", "must rise from 0 to the number of tokens, ", all.size()); }
    std::vector<std::vector<std::int32_t>> lists;
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
        lists.emplace_back(all.begin() + offsets[i], all.begin() + offsets[i + 1]);
    }
    return lists;
}

std::vector<data::Example> DataFile::examples(std::string const& path, std::int64_t vocabulary) const {
    auto prompts = lists(path + "/prompt", vocabulary);
    auto completions = lists(path + "/completion", vocabulary);
    if (prompts.size() != completions.size()) {
        fail(path, "has ", prompts.size(), " prompts and ", completions.size(), " completions");
    }
    std::vector<data::Example> examples;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        examples.push_back({std::move(prompts[i]), std::move(completions[i])});
    }
    return examples;
}

data::Tokenizer DataFile::tokenizer() const {
    if (reader_.has_attribute("/tokenizer", "letters")) {
        auto const value = reader_.attribute("/tokenizer", "letters");
        auto const* const letters = std::get_if<std::int64_t>(&value);
        if (letters == nullptr || *letters < 2 || *letters > 27) {
            fail("/tokenizer", "attribute letters: an integer from 2 to 27 is allowed");
        }
        return data::Tokenizer::letters(*letters);
    }
    auto const left = tokens("/tokenizer/left"), right = tokens("/tokenizer/right");
    check_rows("/tokenizer/right", right.size(), left.size());
    std::vector<std::array<std::int32_t, 2>> merges;
    for (std::size_t i = 0; i < left.size(); ++i) { merges.push_back({left[i], right[i]}); }
    try {
        return data::Tokenizer(std::move(merges));
    } catch (core::IoError const& error) { fail("/tokenizer", error.what()); }
}

}  // namespace alignsweep::stages
