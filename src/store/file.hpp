// SPDX-License-Identifier: Apache-2.0
// HDF5 files, published whole, in the few types that every reader takes: columns of int64, float32, float64 and u8,
// fixed-length labels, and text of any bytes as u8 bytes with int64 offsets. Every dataset is chunked, carries
// Fletcher-32 and is not compressed; the format is that of HDF5 1.10, with checksums on metadata as well. No time of
// writing is stored: the same content gives the same bytes.
// Not thread-safe, as Debian's libhdf5 is not.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace alignsweep::store {

class Handle;
class MemoryFile;

template <class T>
concept Element =
    std::same_as<T, std::int64_t> || std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::uint8_t>;

// Scalars that describe: units, seeds, the shape of a model. Text is stored with a fixed length, null-padded.
using Attribute = std::variant<std::int64_t, double, std::string>;

// What a dataset holds; `other`: something this program never writes.
enum class ElementType { int64, float32, float64, u8, label, other };

// Of the library that runs: "1.10.8".
[[nodiscard]] std::string hdf5_version();

// Builds a file in memory; publish() makes it visible under its final name in one step. Paths begin with a slash,
// groups come into being with the first dataset or attribute below them.
// A clash of names (a dataset twice, or where a group is) is a bug of the caller: std::logic_error.
class FileWriter {
public:
    // `schema` and `version` become the root attributes `schema` and `schema_version`.
    FileWriter(std::filesystem::path file, std::string const& schema, std::int64_t version);
    FileWriter(FileWriter const&) = delete;

    // A column [n]; n = 0 gives an empty dataset that can be extended.
    template <Element T>
    void write(std::string const& path, std::span<T const> values) {
        write(path, values, {static_cast<std::int64_t>(values.size())});
    }
    template <Element T>
    void write(std::string const& path, std::vector<T> const& values) {
        write(path, std::span<T const>(values));
    }
    // An array of row-major `dims` (at least one; their product is values.size()).
    template <Element T>
    void write(std::string const& path, std::span<T const> values, std::vector<std::int64_t> const& dims);

    // Text of any bytes: `path`/bytes u8 [total] and `path`/offsets int64 [n + 1], the first offset 0.
    void write_text(std::string const& path, std::vector<std::string> const& texts);
    // Labels [n], null-padded to the longest: their very bytes, so that two that differ never become equal. A null byte
    // in one is a bug of the caller. The type is ASCII, which Octave and R read, whatever the bytes: they are UTF-8
    // where a name of the user's is, and readers that decode them (h5py, xarray, netCDF) take ASCII for UTF-8.
    void write_labels(std::string const& path, std::vector<std::string> const& labels);

    // On a dataset or a group ("/": the root).
    void set_attribute(std::string const& path, std::string const& name, Attribute const& value);

    // Dimension scales (what xarray and netCDF call coordinates): the column `path` becomes the scale `name`, and
    // dimension `dim` of `dataset` takes its name and values from the scale.
    void make_scale(std::string const& path, std::string const& name);
    void attach_scale(std::string const& dataset, int dim, std::string const& scale);

    // Writes the file: temporary name, fsync, rename, fsync of the folder. Returns the digest of its bytes, equal to
    // core::digest_of_file. Throws IoError; nothing may be written afterwards.
    std::string publish();

private:
    template <class... Parts>
    void require(bool good, Parts const&... what) const;
    void write_values(std::string const& path, Handle const& type, void const* values,
                      std::vector<std::int64_t> const& dims);
    [[nodiscard]] Handle open(std::string const& path) const;
    void check_name(std::string const& path) const;
    void make_group(std::string const& path);

    std::filesystem::path path_;
    std::shared_ptr<MemoryFile> memory_;
    std::set<std::string> datasets_, groups_;
    bool published_ = false;
};

// Reads a file. Every defect is an IoError of one line: "FILE: dataset /x: what is wrong".
class FileReader {
public:
    // Any HDF5 file.
    explicit FileReader(std::filesystem::path file);
    // A file of this program: the root attributes must match.
    FileReader(std::filesystem::path file, std::string const& schema, std::int64_t version);

    [[nodiscard]] bool contains(std::string const& path) const;
    [[nodiscard]] bool is_group(std::string const& path) const;
    // Names of the members of a group, in the order in which they were written.
    [[nodiscard]] std::vector<std::string> list(std::string const& group) const;
    // Full paths of all datasets below a group, depth first.
    [[nodiscard]] std::vector<std::string> datasets(std::string const& group) const;

    [[nodiscard]] std::vector<std::int64_t> dims(std::string const& path) const;
    [[nodiscard]] ElementType type(std::string const& path) const;
    // All elements, row-major. Numbers are converted, but never from real to integer or to a smaller integer.
    template <Element T>
    [[nodiscard]] std::vector<T> read(std::string const& path) const;
    [[nodiscard]] std::vector<std::string> read_text(std::string const& path) const;
    // Without the null padding.
    [[nodiscard]] std::vector<std::string> read_labels(std::string const& path) const;

    [[nodiscard]] bool has_attribute(std::string const& path, std::string const& name) const;
    [[nodiscard]] Attribute attribute(std::string const& path, std::string const& name) const;
    // All scalar numbers and texts; the bookkeeping of dimension scales is left out.
    [[nodiscard]] std::map<std::string, Attribute> attributes(std::string const& path) const;

private:
    template <class... Parts>
    [[noreturn]] void fail(Parts const&... what) const;
    [[nodiscard]] bool has_link(std::string const& path) const;
    [[nodiscard]] Handle open(std::string const& path) const;
    // Nothing where it is absent, or neither a scalar number nor a text.
    [[nodiscard]] std::optional<Attribute> find_attribute(std::string const& path, std::string const& name) const;
    // Every element, as `units` Ts each.
    template <class T>
    [[nodiscard]] std::vector<T> read_as(Handle const& type, Handle const& dataset, std::string const& path,
                                         std::size_t units = 1) const;

    std::filesystem::path path_;
    std::shared_ptr<Handle const> file_;
};

}  // namespace alignsweep::store
