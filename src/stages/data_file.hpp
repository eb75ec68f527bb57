// SPDX-License-Identifier: Apache-2.0
// data.h5 of a stage, read with the checks that every table needs: columns of one length, indices within their table,
// lists within their tokens. Whatever is wrong is an IoError "FILE: dataset PATH: what".
#pragma once

#include "core/error.hpp"
#include "data/batch.hpp"
#include "data/tokenizer.hpp"
#include "store/file.hpp"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace alignsweep::stages {

inline constexpr char const* data_schema = "alignsweep.data";
inline constexpr std::int64_t data_version = 1;
inline std::filesystem::path data_file(std::filesystem::path const& folder) { return folder / "data.h5"; }

class DataFile {
public:
    explicit DataFile(std::filesystem::path const& folder)
        : path_(data_file(folder)), reader_(path_, data_schema, data_version) {}

    [[nodiscard]] store::FileReader const& reader() const { return reader_; }

    static constexpr std::size_t any_length = std::numeric_limits<std::size_t>::max();

    // A column of `rows` values.
    template <store::Element T>
    [[nodiscard]] std::vector<T> column(std::string const& path, std::size_t rows = any_length) const {
        auto values = reader_.read<T>(path);
        check_rows(path, values.size(), rows);
        return values;
    }
    // Each from `least` to `size` - 1.
    [[nodiscard]] std::vector<std::int64_t> indices(std::string const& path, std::size_t rows, std::size_t size,
                                                    std::int64_t least = 0) const;
    // Values that a 32-bit integer holds: of tokens, those from 0 to `vocabulary` - 1.
    [[nodiscard]] std::vector<std::int32_t> codes(std::string const& path, std::size_t rows) const;
    [[nodiscard]] std::vector<std::int32_t> tokens(std::string const& path,
                                                   std::int64_t vocabulary = largest_vocabulary) const;
    // Token lists of any lengths: `path`/tokens [total] and `path`/offsets [n + 1].
    [[nodiscard]] std::vector<std::vector<std::int32_t>> lists(std::string const& path,
                                                               std::int64_t vocabulary = largest_vocabulary) const;
    // Lists below `path`/prompt and `path`/completion, as many of each.
    [[nodiscard]] std::vector<data::Example> examples(std::string const& path,
                                                      std::int64_t vocabulary = largest_vocabulary) const;
    [[nodiscard]] data::Tokenizer tokenizer() const;

private:
    static constexpr std::int64_t largest_vocabulary = std::int64_t{1} << 31;

    template <class... What>
    [[noreturn]] void fail(std::string const& path, What const&... what) const {
        throw core::IoError(path_.string(), ": dataset ", path, ": ", what...);
    }
    void check_rows(std::string const& path, std::size_t found, std::size_t rows) const;
    void check_range(std::string const& path, std::vector<std::int64_t> const& values, std::int64_t least,
                     std::int64_t most) const;

    std::filesystem::path path_;
    store::FileReader reader_;
};

}  // namespace alignsweep::stages
