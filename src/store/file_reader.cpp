// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "store/file.hpp"
#include "store/hdf5_handle.hpp"
#include "store/hdf5_limits.hpp"
#include "store/paths.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>

namespace alignsweep::store {

class FileReader::Impl {
public:
    explicit Impl(std::filesystem::path file) : path_(std::move(file)) {
        silence_hdf5();
        // libhdf5's own message for a file that is absent or unreadable names neither.
        int const descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe would wait
        if (descriptor < 0) { fail("can't be read: ", std::strerror(errno)); }
        ::close(descriptor);
        if (std::filesystem::is_directory(path_)) { fail("is a folder"); }
        if (!std::filesystem::is_regular_file(path_)) { fail("is not an HDF5 file"); }
        if (H5Fis_hdf5(path_.c_str()) <= 0) { fail("is not an HDF5 file"); }
        Handle const access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
        // Published files never change, and locks fail on some NFS and Lustre.
        H5Pset_file_locking(access.get(), false, true);
        file_ = Handle(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
        if (!file_) { fail("is truncated or damaged: ", hdf5_reason()); }
    }

    [[nodiscard]] std::filesystem::path const& path() const { return path_; }

    void check_schema(std::string const& schema, std::int64_t version) const {
        auto const name = attribute("/", "schema");
        auto const number = attribute("/", "schema_version");
        if (!name || !number) { fail("is not a file of this program: no root attribute schema or schema_version"); }
        auto const* const text = std::get_if<std::string>(&*name);
        if (text == nullptr || *text != schema) {
            fail("has schema '", text != nullptr ? *text : "(a number)", "', expected '", schema, "'");
        }
        auto const* const found = std::get_if<std::int64_t>(&*number);
        if (found == nullptr || *found != version) {
            fail("has version ", found != nullptr ? std::to_string(*found) : "(not an integer)", " of schema '", schema,
                 "', this program reads version ", version);
        }
    }

    // Every link on the way must be looked up: H5Lexists fails where a parent is missing.
    [[nodiscard]] bool contains(std::string const& path) const {
        if (path == "/") { return true; }
        if (!path.starts_with('/') || !path_defect(path.substr(1)).empty()) { return false; }
        std::vector<std::string> links = paths_above(path);
        for (std::string const& link : links) {
            if (!has_link(link) || !is_group(link)) { return false; }
        }
        return has_link(path);
    }

    // Throws for a link that leaves the file: what it leads to is none of this file's, and may be a pipe.
    [[nodiscard]] bool has_link(std::string const& path) const {
        if (H5Lexists(file_.get(), path.c_str(), H5P_DEFAULT) <= 0) { return false; }
        H5L_info_t info;
        bool const known = H5Lget_info(file_.get(), path.c_str(), &info, H5P_DEFAULT) >= 0;
        if (!known || (info.type != H5L_TYPE_HARD && info.type != H5L_TYPE_SOFT)) {
            fail(path, ": is a link into another file, which is not allowed");
        }
        return true;
    }

    [[nodiscard]] bool is_group(std::string const& path) const {
        Handle const object(H5Oopen(file_.get(), path.c_str(), H5P_DEFAULT), H5Oclose);
        return object && H5Iget_type(object.get()) == H5I_GROUP;
    }

    [[nodiscard]] std::vector<std::string> list(std::string const& path) const {
        if (!contains(path) || !is_group(path)) { fail("group ", path, ": missing"); }
        Handle const group(H5Gopen2(file_.get(), path.c_str(), H5P_DEFAULT), H5Gclose);
        Handle const properties(H5Gget_create_plist(group.get()), H5Pclose);
        unsigned order = 0;
        H5Pget_link_creation_order(properties.get(), &order);
        auto const index = (order & H5P_CRT_ORDER_INDEXED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
        H5G_info_t info;
        if (H5Gget_info(group.get(), &info) < 0) { fail("group ", path, ": ", hdf5_reason()); }
        std::vector<std::string> names;
        for (hsize_t i = 0; i < info.nlinks; ++i) {
            auto const name = [&](char* buffer, std::size_t size) {
                return H5Lget_name_by_idx(group.get(), ".", index, H5_ITER_INC, i, buffer, size, H5P_DEFAULT);
            };
            ssize_t const length = name(nullptr, 0);
            if (length < 0) { fail("group ", path, ": ", hdf5_reason()); }
            std::string text(static_cast<std::size_t>(length) + 1, '\0');
            name(text.data(), text.size());
            text.pop_back();
            names.push_back(std::move(text));
        }
        return names;
    }

    // A foreign file may hold a group that contains itself, once or, which is worse, twice.
    void collect(std::string const& group, int depth, std::int64_t& groups, std::vector<std::string>& found) const {
        constexpr int deepest = 8;
        constexpr std::int64_t most_groups = 10'000;
        if (depth > deepest || ++groups > most_groups) {
            fail("group ", group, ": groups nest without end; at most ", deepest, " levels and ", most_groups,
                 " groups are allowed");
        }
        for (std::string const& name : list(group)) {
            std::string const path = (group == "/" ? "" : group) + "/" + name;
            if (has_link(path) && is_group(path)) {
                collect(path, depth + 1, groups, found);
            } else {
                found.push_back(path);
            }
        }
    }

    [[nodiscard]] Handle open(std::string const& path) const {
        if (!contains(path)) { fail("dataset ", path, ": missing"); }
        Handle dataset(H5Dopen2(file_.get(), path.c_str(), H5P_DEFAULT), H5Dclose);
        if (!dataset) { fail("dataset ", path, ": ", is_group(path) ? "is a group" : hdf5_reason()); }
        return dataset;
    }

    [[nodiscard]] std::vector<std::int64_t> dims(Handle const& dataset, std::string const& path) const {
        Handle const space(H5Dget_space(dataset.get()), H5Sclose);
        int const rank = H5Sget_simple_extent_ndims(space.get());
        if (rank < 0) { fail("dataset ", path, ": ", hdf5_reason()); }
        std::vector<hsize_t> extent(static_cast<std::size_t>(rank));
        H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr);
        return {extent.begin(), extent.end()};
    }

    // Reads every element into a vector of `units` Ts each.
    template <class T>
    [[nodiscard]] std::vector<T> read(Handle const& dataset, std::string const& path, hid_t memory_type,
                                      std::size_t units = 1) const {
        if (std::string const defect = size_defect(dataset, path_); !defect.empty()) {
            fail("dataset ", path, ": ", defect);
        }
        try {
            std::size_t elements = units;
            for (std::int64_t const n : dims(dataset, path)) {
                if (__builtin_mul_overflow(elements, static_cast<std::size_t>(n), &elements)) {
                    throw std::length_error("size");
                }
            }
            std::vector<T> values(elements);
            if (elements > 0 && H5Dread(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
                fail("dataset ", path, ": can't be read: ", hdf5_reason());
            }
            return values;
        } catch (std::bad_alloc const&) {
        } catch (std::length_error const&) {}
        fail("dataset ", path, ": too large for this machine's memory");
    }

    // Nothing where the attribute is absent, or neither a scalar number nor a text.
    [[nodiscard]] std::optional<Attribute> attribute(std::string const& path, std::string const& name) const {
        Handle const object(H5Oopen(file_.get(), path.c_str(), H5P_DEFAULT), H5Oclose);
        if (!object || H5Aexists(object.get(), name.c_str()) <= 0) { return {}; }
        Handle const attribute(H5Aopen(object.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
        if (!attribute) { fail("attribute ", name, " of ", path, ": can't be read: ", hdf5_reason()); }
        Handle const space(H5Aget_space(attribute.get()), H5Sclose);
        if (H5Sget_simple_extent_npoints(space.get()) != 1) { return {}; }
        Handle const type(H5Aget_type(attribute.get()), H5Tclose);
        constexpr std::size_t longest_attribute = 1 << 20;
        if (H5Tget_size(type.get()) > longest_attribute) {
            fail("attribute ", name, " of ", path, ": of ", H5Tget_size(type.get()), " bytes; at most ",
                 longest_attribute, " are allowed");
        }
        bool good = false;
        Attribute value;
        switch (H5Tget_class(type.get())) {
            case H5T_INTEGER:
                value = std::int64_t{0};
                good = H5Aread(attribute.get(), H5T_NATIVE_INT64, &std::get<std::int64_t>(value)) >= 0;
                break;
            case H5T_FLOAT:
                value = 0.0;
                good = H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &std::get<double>(value)) >= 0;
                break;
            case H5T_STRING:
                value = read_string(attribute, space, type, good);
                break;
            default:
                return {};
        }
        if (!good) { fail("attribute ", name, " of ", path, ": can't be read: ", hdf5_reason()); }
        return value;
    }

    [[nodiscard]] std::vector<std::string> attribute_names(std::string const& path) const {
        if (!contains(path)) { fail(path, ": missing"); }
        Handle const object(H5Oopen(file_.get(), path.c_str(), H5P_DEFAULT), H5Oclose);
        std::vector<std::string> names;
        auto const collect = [](hid_t, char const* name, H5A_info_t const*, void* list) -> herr_t {
            static_cast<std::vector<std::string>*>(list)->emplace_back(name);
            return 0;
        };
        if (H5Aiterate2(object.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names) < 0) {
            fail("attributes of ", path, ": ", hdf5_reason());
        }
        return names;
    }

    template <class... Parts>
    [[noreturn]] void fail(Parts const&... what) const {
        throw core::IoError(core::concat(path_.string(), ": ", what...));
    }

private:
    // Other writers (h5py) store text attributes with variable length.
    static std::string read_string(Handle const& attribute, Handle const& space, Handle const& type, bool& good) {
        if (H5Tis_variable_str(type.get()) > 0) {
            Handle const memory = text_type(1, H5Tget_cset(type.get()));
            H5Tset_size(memory.get(), H5T_VARIABLE);
            char* text = nullptr;
            good = H5Aread(attribute.get(), memory.get(), &text) >= 0;
            std::string copy = good && text != nullptr ? text : "";
            if (good) { H5Dvlen_reclaim(memory.get(), space.get(), H5P_DEFAULT, &text); }
            return copy;
        }
        std::string text(H5Tget_size(type.get()), '\0');
        good = H5Aread(attribute.get(), type.get(), text.data()) >= 0;
        text.resize(text.find_last_not_of('\0') + 1);
        return text;
    }

    std::filesystem::path path_;
    Handle file_;
};

namespace {

ElementType element_type(Handle const& dataset) {
    Handle const type(H5Dget_type(dataset.get()), H5Tclose);
    std::size_t const size = H5Tget_size(type.get());
    switch (H5Tget_class(type.get())) {
        case H5T_INTEGER:
            if (size == 8 && H5Tget_sign(type.get()) == H5T_SGN_2) { return ElementType::int64; }
            return size == 1 && H5Tget_sign(type.get()) == H5T_SGN_NONE ? ElementType::u8 : ElementType::other;
        case H5T_FLOAT:
            return size == 4 ? ElementType::float32 : size == 8 ? ElementType::float64 : ElementType::other;
        case H5T_STRING:
            return H5Tis_variable_str(type.get()) > 0 ? ElementType::other : ElementType::label;
        default:
            return ElementType::other;
    }
}

// Whether every value of the dataset's type can be a T (float64 to float32 rounds, which is allowed).
template <Element T>
bool converts(Handle const& dataset) {
    Handle const type(H5Dget_type(dataset.get()), H5Tclose);
    H5T_class_t const kind = H5Tget_class(type.get());
    if constexpr (std::floating_point<T>) { return kind == H5T_INTEGER || kind == H5T_FLOAT; }
    if (kind != H5T_INTEGER) { return false; }
    bool const has_sign = H5Tget_sign(type.get()) == H5T_SGN_2;
    std::size_t const size = H5Tget_size(type.get());
    if constexpr (std::same_as<T, std::uint8_t>) { return size == 1 && !has_sign; }
    return size < sizeof(T) || (size == sizeof(T) && has_sign);
}

template <Element T>
constexpr char const* name_of() {
    if constexpr (std::same_as<T, std::int64_t>) { return "64-bit integers"; }
    if constexpr (std::same_as<T, std::uint8_t>) { return "bytes (u8)"; }
    return "numbers";
}

}  // namespace

FileReader::FileReader(std::filesystem::path file) : impl_(std::make_unique<Impl>(std::move(file))) {}
FileReader::FileReader(std::filesystem::path file, std::string const& schema, std::int64_t version)
    : FileReader(std::move(file)) {
    impl_->check_schema(schema, version);
}
FileReader::~FileReader() = default;
FileReader::FileReader(FileReader&&) noexcept = default;
FileReader& FileReader::operator=(FileReader&&) noexcept = default;

std::filesystem::path const& FileReader::path() const { return impl_->path(); }
bool FileReader::contains(std::string const& path) const { return impl_->contains(path); }
bool FileReader::is_group(std::string const& path) const { return impl_->contains(path) && impl_->is_group(path); }
std::vector<std::string> FileReader::list(std::string const& group) const { return impl_->list(group); }

std::vector<std::string> FileReader::datasets(std::string const& group) const {
    std::vector<std::string> found;
    std::int64_t groups = 0;
    impl_->collect(group, 1, groups, found);
    return found;
}

std::vector<std::int64_t> FileReader::dims(std::string const& path) const {
    return impl_->dims(impl_->open(path), path);
}
ElementType FileReader::type(std::string const& path) const { return element_type(impl_->open(path)); }

template <Element T>
std::vector<T> FileReader::read(std::string const& path) const {
    Handle const dataset = impl_->open(path);
    if (!converts<T>(dataset)) { impl_->fail("dataset ", path, ": holds another type, ", name_of<T>(), " expected"); }
    return impl_->read<T>(dataset, path, memory_type<T>());
}
template std::vector<std::int64_t> FileReader::read(std::string const&) const;
template std::vector<float> FileReader::read(std::string const&) const;
template std::vector<double> FileReader::read(std::string const&) const;
template std::vector<std::uint8_t> FileReader::read(std::string const&) const;

std::vector<std::string> FileReader::read_text(std::string const& path) const {
    auto const bytes = read<std::uint8_t>(path + "/bytes");
    auto const offsets = read<std::int64_t>(path + "/offsets");
    bool good = !offsets.empty() && offsets.front() == 0 && offsets.back() == static_cast<std::int64_t>(bytes.size());
    for (std::size_t i = 1; good && i < offsets.size(); ++i) { good = offsets[i - 1] <= offsets[i]; }
    if (!good) { impl_->fail("dataset ", path, "/offsets: must rise from 0 to the number of bytes"); }
    std::vector<std::string> texts;
    for (std::size_t i = 1; i < offsets.size(); ++i) {
        texts.emplace_back(bytes.begin() + offsets[i - 1], bytes.begin() + offsets[i]);
    }
    return texts;
}

std::vector<std::string> FileReader::read_labels(std::string const& path) const {
    Handle const dataset = impl_->open(path);
    if (element_type(dataset) != ElementType::label) { impl_->fail("dataset ", path, ": fixed-length text expected"); }
    Handle const type(H5Dget_type(dataset.get()), H5Tclose);
    std::size_t const width = H5Tget_size(type.get());
    std::vector<char> const all = impl_->read<char>(dataset, path, type.get(), width);
    std::vector<std::string> labels;
    for (std::size_t begin = 0; begin < all.size(); begin += width) {
        labels.emplace_back(all.data() + begin, ::strnlen(all.data() + begin, width));
    }
    return labels;
}

bool FileReader::has_attribute(std::string const& path, std::string const& name) const {
    return impl_->contains(path) && impl_->attribute(path, name).has_value();
}
Attribute FileReader::attribute(std::string const& path, std::string const& name) const {
    std::optional<Attribute> value;
    if (impl_->contains(path)) { value = impl_->attribute(path, name); }
    if (!value) { impl_->fail("attribute ", name, " of ", path, ": missing"); }
    return *value;
}
std::map<std::string, Attribute> FileReader::attributes(std::string const& path) const {
    std::map<std::string, Attribute> found;
    for (std::string const& name : impl_->attribute_names(path)) {
        // H5DS marks scales with texts of its own.
        if (name == "CLASS" || name == "NAME") { continue; }
        if (auto value = impl_->attribute(path, name)) { found.emplace(name, std::move(*value)); }
    }
    return found;
}

}  // namespace alignsweep::store
