// SPDX-License-Identifier: Apache-2.0
// Reads data.h5, which is used by number (which row, which token): what points outside would be read from anywhere in
// memory. Private to artifacts.cpp.
#pragma once

#include "data/batch.hpp"
#include "store/file.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace alignsweep::stages {

using store::FileReader;

inline constexpr std::int64_t any_token = 1 << 24;  // above the largest vocabulary

[[noreturn]] void fail(FileReader const& file, std::string const& path, std::string const& what);

// One entry a row of `rows`.
template <class T>
std::vector<T> read_column(FileReader const& file, std::string const& path, std::size_t rows);
// The same, each entry from `low` to `end` - 1.
std::vector<std::int64_t> read_index(FileReader const& file, std::string const& path, std::size_t rows,
                                     std::int64_t low, std::int64_t end);
// Tokens below `vocabulary`; lists of them; prompts and completions.
std::vector<std::int32_t> read_tokens(FileReader const& file, std::string const& path, std::int64_t vocabulary);
std::vector<std::vector<std::int32_t>> read_lists(FileReader const& file, std::string const& path,
                                                  std::int64_t vocabulary = any_token);
std::vector<data::Example> read_examples(FileReader const& file, std::string const& path,
                                         std::int64_t vocabulary = any_token);

}  // namespace alignsweep::stages
