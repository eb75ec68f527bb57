// SPDX-License-Identifier: Apache-2.0
#include "core/digest.hpp"
#include "core/error.hpp"
#include "store/file.hpp"
#include "store/memory_file.hpp"
#include "store/paths.hpp"
#include "store/publish.hpp"

#include <hdf5_hl.h>

#include <algorithm>

namespace alignsweep::store {

namespace {

// Chunks of at most this many bytes: the size of libhdf5's chunk cache.
constexpr std::int64_t chunk_bytes = std::int64_t{1} << 20;
// Rows a chunk of a dimension that is empty for now.
constexpr std::int64_t empty_chunk_rows = 1024;

// Row-major chunk: whole inner dimensions while they fit, then a part of the next one, then ones.
std::vector<hsize_t> chunk_of(std::vector<std::int64_t> const& dims, std::size_t element_bytes) {
    std::vector<hsize_t> chunk(dims.size());
    std::int64_t left = std::max<std::int64_t>(1, chunk_bytes / static_cast<std::int64_t>(element_bytes));
    for (std::size_t i = dims.size(); i-- > 0;) {
        std::int64_t const extent = dims[i] > 0 ? dims[i] : empty_chunk_rows;
        std::int64_t const parts = (extent + left - 1) / left;
        std::int64_t const part = (extent + parts - 1) / parts;  // equal parts: the last chunk is stored in full
        chunk[i] = static_cast<hsize_t>(part);
        left /= part;
    }
    return chunk;
}

}  // namespace

template <class... Parts>
void FileWriter::require(bool good, Parts const&... what) const {
    if (!good) { throw core::IoError(path_.string(), ": ", what..., ": ", hdf5_reason()); }
}

FileWriter::FileWriter(std::filesystem::path file, std::string const& schema, std::int64_t version)
    : path_(std::move(file)), memory_(std::make_shared<MemoryFile>()) {
    require(memory_->id() >= 0, "can't be built in memory");
    set_attribute("/", "schema", schema);
    set_attribute("/", "schema_version", version);
}

void FileWriter::write_values(std::string const& path, Handle const& type, void const* values,
                              std::vector<std::int64_t> const& dims) {
    check_name(path);
    core::check(!datasets_.contains(path), path_.string(), ": dataset ", path, " written twice");
    core::check(!groups_.contains(path), path_.string(), ": dataset ", path, " would be a prefix path of others");
    for (std::string const& above : paths_above(path)) { make_group(above); }
    datasets_.insert(path);
    std::vector<hsize_t> const extent(dims.begin(), dims.end());
    std::vector<hsize_t> limit = extent;
    // Fletcher-32 can't stand on an empty dataset of fixed size.
    std::replace(limit.begin(), limit.end(), hsize_t{0}, H5S_UNLIMITED);
    int const rank = static_cast<int>(dims.size());
    Handle const space(H5Screate_simple(rank, extent.data(), limit.data()), H5Sclose);
    Handle const properties = creation_properties(H5P_DATASET_CREATE);
    H5Pset_fletcher32(properties.get());
    H5Pset_chunk(properties.get(), rank, chunk_of(dims, H5Tget_size(type.get())).data());
    Handle const dataset(
        H5Dcreate2(memory_->id(), path.c_str(), type.get(), space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
        H5Dclose);
    require(static_cast<bool>(dataset), "dataset ", path, ": can't be created");
    require(limit != extent || H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0,
            "dataset ", path, ": writing failed");
}

template <Element T>
void FileWriter::write(std::string const& path, std::span<T const> values, std::vector<std::int64_t> const& dims) {
    core::check(!dims.empty(), "dataset ", path, ": a scalar is an attribute");
    std::int64_t elements = 1;
    for (std::int64_t const n : dims) {
        core::check(n >= 0, "dataset ", path, ": negative dimension");
        elements *= n;
    }
    core::check(elements == static_cast<std::int64_t>(values.size()), "dataset ", path, ": ", values.size(),
                " values for ", elements, " elements");
    write_values(path, type_of<T>(), values.data(), dims);
}
template void FileWriter::write(std::string const&, std::span<std::int64_t const>, std::vector<std::int64_t> const&);
template void FileWriter::write(std::string const&, std::span<float const>, std::vector<std::int64_t> const&);
template void FileWriter::write(std::string const&, std::span<double const>, std::vector<std::int64_t> const&);
template void FileWriter::write(std::string const&, std::span<std::uint8_t const>, std::vector<std::int64_t> const&);

void FileWriter::write_text(std::string const& path, std::vector<std::string> const& texts) {
    std::vector<std::int64_t> offsets = {0};
    std::vector<std::uint8_t> bytes;
    for (std::string const& text : texts) {
        bytes.insert(bytes.end(), text.begin(), text.end());
        offsets.push_back(static_cast<std::int64_t>(bytes.size()));
    }
    write(path + "/bytes", bytes);
    write(path + "/offsets", offsets);
}

void FileWriter::write_labels(std::string const& path, std::vector<std::string> const& labels) {
    std::size_t longest = 1;
    for (std::string const& label : labels) { longest = std::max(longest, label.size()); }
    std::string padded;
    for (std::string const& label : labels) {
        core::check(label.find('\0') == std::string::npos, "label of ", path, ": holds a null byte");
        padded += label;
        padded.append(longest - label.size(), '\0');
    }
    write_values(path, text_type(longest), padded.data(), {static_cast<std::int64_t>(labels.size())});
}

void FileWriter::set_attribute(std::string const& path, std::string const& name, Attribute const& value) {
    if (!datasets_.contains(path)) { make_group(path); }
    Handle const object(H5Oopen(memory_->id(), path.c_str(), H5P_DEFAULT), H5Oclose);
    if (H5Aexists(object.get(), name.c_str()) > 0) { H5Adelete(object.get(), name.c_str()); }
    Handle const space(H5Screate(H5S_SCALAR), H5Sclose);
    auto const put = [&](Handle const& type, void const* bytes) {
        Handle const attribute(
            H5Acreate2(object.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
        require(attribute && H5Awrite(attribute.get(), type.get(), bytes) >= 0, "attribute ", name, " of ", path,
                ": can't be written");
    };
    if (auto const* integer = std::get_if<std::int64_t>(&value)) {
        put(type_of<std::int64_t>(), integer);
    } else if (auto const* real = std::get_if<double>(&value)) {
        put(type_of<double>(), real);
    } else {
        auto const& text = std::get<std::string>(value);
        // Octave reads ASCII only, so UTF-8 is declared only where a name or a path of the user's needs it.
        bool const ascii = std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
        put(text_type(std::max<std::size_t>(1, text.size()), ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8), text.c_str());
    }
}

void FileWriter::make_scale(std::string const& path, std::string const& name) {
    require(H5DSset_scale(open(path).get(), name.c_str()) >= 0, "dataset ", path, ": can't become a dimension scale");
}

void FileWriter::attach_scale(std::string const& path, int dim, std::string const& scale) {
    require(H5DSattach_scale(open(path).get(), open(scale).get(), static_cast<unsigned>(dim)) >= 0, "dataset ", path,
            ": the dimension scale ", scale, " can't be attached");
}

std::string FileWriter::publish() {
    core::check(!published_, path_.string(), ": published twice");
    published_ = true;
    std::span<std::byte const> const bytes = memory_->close();
    require(!bytes.empty(), "can't be finished in memory");
    publish_bytes(path_, bytes);
    return core::Digest().update(bytes).hex();
}

Handle FileWriter::open(std::string const& path) const {
    core::check(datasets_.contains(path), path_.string(), ": no dataset ", path);
    return {H5Dopen2(memory_->id(), path.c_str(), H5P_DEFAULT), H5Dclose};
}

void FileWriter::check_name(std::string const& path) const {
    core::check(!published_, path_.string(), ": ", path, " written after publish()");
    std::string const defect = path.starts_with('/') ? path_defect(path.substr(1)) : "it must begin with a slash";
    core::check(defect.empty(), path_.string(), ": name '", path, "': ", defect);
}

void FileWriter::make_group(std::string const& path) {
    if (path == "/" || groups_.contains(path)) { return; }
    check_name(path);
    core::check(!datasets_.contains(path), path_.string(), ": dataset ", path, " is a prefix path of another name");
    for (std::string const& above : paths_above(path)) { make_group(above); }
    Handle const properties = creation_properties(H5P_GROUP_CREATE);
    Handle const group(H5Gcreate2(memory_->id(), path.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), H5Gclose);
    require(static_cast<bool>(group), "group ", path, ": can't be created");
    groups_.insert(path);
}

std::string hdf5_version() {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    return core::concat(major, '.', minor, '.', release);
}

}  // namespace alignsweep::store
