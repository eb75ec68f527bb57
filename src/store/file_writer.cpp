// SPDX-License-Identifier: Apache-2.0
#include "core/digest.hpp"
#include "core/error.hpp"
#include "store/file.hpp"
#include "store/memory_file.hpp"
#include "store/paths.hpp"
#include "store/publish.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <limits>
#include <set>

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

bool is_ascii(std::string const& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

class FileWriter::Impl {
public:
    explicit Impl(std::filesystem::path file) : path_(std::move(file)) {
        require(memory_.id() >= 0, "can't be built in memory");
    }

    void write(std::string const& path, Handle const& file_type, hid_t memory_type, void const* values,
               std::vector<std::int64_t> const& dims) {
        claim(path);
        std::vector<hsize_t> const extent(dims.begin(), dims.end());
        std::vector<hsize_t> limit = extent;
        bool empty = false;
        for (hsize_t& n : limit) {
            if (n == 0) {
                n = H5S_UNLIMITED;  // Fletcher-32 can't stand on an empty dataset of fixed size
                empty = true;
            }
        }
        int const rank = static_cast<int>(dims.size());
        Handle const space(H5Screate_simple(rank, extent.data(), limit.data()), H5Sclose);
        Handle const properties = dataset_properties();
        std::vector<hsize_t> const chunk = chunk_of(dims, H5Tget_size(file_type.get()));
        H5Pset_chunk(properties.get(), rank, chunk.data());
        Handle const dataset(H5Dcreate2(memory_.id(), path.c_str(), file_type.get(), space.get(), H5P_DEFAULT,
                                        properties.get(), H5P_DEFAULT),
                             H5Dclose);
        require(static_cast<bool>(dataset), "dataset ", path, ": can't be created");
        if (!empty) {
            require(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, "dataset ", path,
                    ": writing failed");
        }
    }

    void set_attribute(std::string const& path, std::string const& name, Attribute const& value) {
        if (!datasets_.contains(path)) { make_group(path); }
        Handle const object(H5Oopen(memory_.id(), path.c_str(), H5P_DEFAULT), H5Oclose);
        if (H5Aexists(object.get(), name.c_str()) > 0) { H5Adelete(object.get(), name.c_str()); }
        if (auto const* integer = std::get_if<std::int64_t>(&value)) {
            put(object, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, integer);
        } else if (auto const* real = std::get_if<double>(&value)) {
            put(object, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, real);
        } else {
            auto const& text = std::get<std::string>(value);
            // Octave reads ASCII only, so UTF-8 is declared only where a name or a path of the user's needs it.
            auto const charset = is_ascii(text) ? H5T_CSET_ASCII : H5T_CSET_UTF8;
            Handle const type = text_type(std::max<std::size_t>(1, text.size()), charset);
            put(object, path, name, type.get(), type.get(), text.c_str());
        }
    }

    void make_scale(std::string const& path, std::string const& name) {
        Handle const scale = open(path);
        require(H5DSset_scale(scale.get(), name.c_str()) >= 0, "dataset ", path, ": can't become a dimension scale");
    }

    void attach_scale(std::string const& path, int dim, std::string const& scale_path) {
        Handle const dataset = open(path);
        Handle const scale = open(scale_path);
        require(H5DSattach_scale(dataset.get(), scale.get(), static_cast<unsigned>(dim)) >= 0, "dataset ", path,
                ": the dimension scale ", scale_path, " can't be attached");
    }

    std::string publish() {
        core::check(!published_, path_.string(), ": published twice");
        published_ = true;
        std::span<std::byte const> const bytes = memory_.close();
        require(!bytes.empty(), "can't be finished in memory");
        publish_bytes(path_, bytes);
        return core::Digest().update(bytes).hex();
    }

private:
    template <class... Parts>
    void require(bool good, Parts const&... what) const {
        if (!good) { throw core::IoError(core::concat(path_.string(), ": ", what..., ": ", hdf5_reason())); }
    }

    void put(Handle const& object, std::string const& path, std::string const& name, hid_t file_type, hid_t memory_type,
             void const* value) const {
        Handle const space(H5Screate(H5S_SCALAR), H5Sclose);
        Handle const attribute(H5Acreate2(object.get(), name.c_str(), file_type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                               H5Aclose);
        require(attribute && H5Awrite(attribute.get(), memory_type, value) >= 0, "attribute ", name, " of ", path,
                ": can't be written");
    }

    Handle open(std::string const& path) const {
        core::check(datasets_.contains(path), path_.string(), ": no dataset ", path);
        return {H5Dopen2(memory_.id(), path.c_str(), H5P_DEFAULT), H5Dclose};
    }

    // Takes the name for a dataset, and makes the groups above it.
    void claim(std::string const& path) {
        core::check(!published_, path_.string(), ": dataset ", path, " written after publish()");
        check_name(path);
        core::check(!datasets_.contains(path), path_.string(), ": dataset ", path, " written twice");
        core::check(!groups_.contains(path), path_.string(), ": dataset ", path, " would be a prefix path of others");
        for (std::string const& above : paths_above(path)) { make_group(above); }
        datasets_.insert(path);
    }

    void make_group(std::string const& path) {
        core::check(!published_, path_.string(), ": ", path, " written after publish()");
        if (path == "/" || groups_.contains(path)) { return; }
        check_name(path);
        for (std::string const& above : paths_above(path)) { make_group(above); }
        core::check(!datasets_.contains(path), path_.string(), ": dataset ", path, " is a prefix path of another name");
        Handle const properties = group_properties();
        Handle const group(H5Gcreate2(memory_.id(), path.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                           H5Gclose);
        require(static_cast<bool>(group), "group ", path, ": can't be created");
        groups_.insert(path);
    }

    void check_name(std::string const& path) const {
        bool const absolute = path.starts_with('/');
        std::string const defect = absolute ? path_defect(path.substr(1)) : "it must begin with a slash";
        core::check(defect.empty(), path_.string(), ": name '", path, "': ", defect);
    }

    std::filesystem::path path_;
    MemoryFile memory_;
    std::set<std::string> datasets_;
    std::set<std::string> groups_;
    bool published_ = false;
};

FileWriter::FileWriter(std::filesystem::path file, std::string const& schema, std::int64_t version)
    : impl_(std::make_unique<Impl>(std::move(file))) {
    set_attribute("/", "schema", schema);
    set_attribute("/", "schema_version", version);
}
FileWriter::~FileWriter() = default;
FileWriter::FileWriter(FileWriter&&) noexcept = default;
FileWriter& FileWriter::operator=(FileWriter&&) noexcept = default;

template <Element T>
void FileWriter::write(std::string const& path, std::span<T const> values) {
    write(path, values, {static_cast<std::int64_t>(values.size())});
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
    impl_->write(path, Handle(H5Tcopy(file_type<T>()), H5Tclose), memory_type<T>(), values.data(), dims);
}

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
    Handle const type = text_type(longest);
    impl_->write(path, type, type.get(), padded.data(), {static_cast<std::int64_t>(labels.size())});
}

void FileWriter::set_attribute(std::string const& path, std::string const& name, Attribute const& value) {
    impl_->set_attribute(path, name, value);
}
void FileWriter::make_scale(std::string const& path, std::string const& name) { impl_->make_scale(path, name); }
void FileWriter::attach_scale(std::string const& dataset, int dim, std::string const& scale) {
    impl_->attach_scale(dataset, dim, scale);
}
std::string FileWriter::publish() { return impl_->publish(); }

#define ALIGNSWEEP_STORE_INSTANTIATE(T)                                         \
    template void FileWriter::write<T>(std::string const&, std::span<T const>); \
    template void FileWriter::write<T>(std::string const&, std::span<T const>, std::vector<std::int64_t> const&)
ALIGNSWEEP_STORE_INSTANTIATE(std::int64_t);
ALIGNSWEEP_STORE_INSTANTIATE(float);
ALIGNSWEEP_STORE_INSTANTIATE(double);
ALIGNSWEEP_STORE_INSTANTIATE(std::uint8_t);
#undef ALIGNSWEEP_STORE_INSTANTIATE

std::string hdf5_version() {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    return core::concat(major, ".", minor, ".", release);
}

}  // namespace alignsweep::store
