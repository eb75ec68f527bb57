// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "store/file.hpp"
#include "store/hdf5_handle.hpp"
#include "store/hdf5_limits.hpp"
#include "store/paths.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <type_traits>

namespace alignsweep::store {

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
    if (std::floating_point<T> && (kind == H5T_INTEGER || kind == H5T_FLOAT)) { return true; }
    if (kind != H5T_INTEGER) { return false; }
    bool const has_sign = H5Tget_sign(type.get()) == H5T_SGN_2;
    std::size_t const size = H5Tget_size(type.get());
    return size < sizeof(T) || (size == sizeof(T) && has_sign == std::is_signed_v<T>);
}

// Other writers (h5py) store text attributes with variable length.
std::string read_string(Handle const& attribute, Handle const& type, bool& good) {
    if (H5Tis_variable_str(type.get()) > 0) {
        Handle const space(H5Aget_space(attribute.get()), H5Sclose);
        Handle const memory = text_type(H5T_VARIABLE, H5Tget_cset(type.get()));
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

std::string shown(Attribute const& value) {
    return std::visit([](auto const& v) { return core::concat(v); }, value);
}

// For H5Literate and H5Aiterate2: appends to a list of names.
constexpr auto append_name = [](hid_t, char const* name, auto const*, void* names) -> herr_t {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
};

}  // namespace

template <class... Parts>
void FileReader::fail(Parts const&... what) const {
    throw core::IoError(path_.string(), ": ", what...);
}

FileReader::FileReader(std::filesystem::path file) : path_(std::move(file)) {
    silence_hdf5();
    // libhdf5's own message for a file that is absent or unreadable names neither.
    int const descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe would wait
    if (descriptor < 0) { fail("can't be read: ", std::strerror(errno)); }
    ::close(descriptor);
    if (std::filesystem::is_directory(path_)) { fail("is a folder"); }
    if (!std::filesystem::is_regular_file(path_) || H5Fis_hdf5(path_.c_str()) <= 0) { fail("is not an HDF5 file"); }
    Handle const access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    // Published files never change, and locks fail on some NFS and Lustre.
    H5Pset_file_locking(access.get(), false, true);
    file_ = std::make_shared<Handle const>(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
    if (!*file_) { fail("is truncated or damaged: ", hdf5_reason()); }
}

FileReader::FileReader(std::filesystem::path file, std::string const& schema, std::int64_t version)
    : FileReader(std::move(file)) {
    auto const name = find_attribute("/", "schema");
    auto const number = find_attribute("/", "schema_version");
    if (!name || !number) { fail("is not a file of this program: no root attribute schema or schema_version"); }
    if (*name != Attribute(schema)) { fail("has schema '", shown(*name), "', expected '", schema, "'"); }
    if (*number != Attribute(version)) {
        fail("has version ", shown(*number), " of schema '", schema, "', this program reads version ", version);
    }
}

// Every link on the way must be looked up: H5Lexists fails where a parent is missing.
bool FileReader::contains(std::string const& path) const {
    if (path == "/") { return true; }
    if (!path.starts_with('/') || !path_defect(path.substr(1)).empty()) { return false; }
    return is_group(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1))) && has_link(path);
}

// Throws for a link that leaves the file: what it leads to is none of this file's, and may be a pipe.
bool FileReader::has_link(std::string const& path) const {
    if (H5Lexists(file_->get(), path.c_str(), H5P_DEFAULT) <= 0) { return false; }
    H5L_info_t info;
    bool const known = H5Lget_info(file_->get(), path.c_str(), &info, H5P_DEFAULT) >= 0;
    if (!known || (info.type != H5L_TYPE_HARD && info.type != H5L_TYPE_SOFT)) {
        fail(path, ": is a link into another file, which is not allowed");
    }
    return true;
}

bool FileReader::is_group(std::string const& path) const {
    if (!contains(path)) { return false; }
    Handle const object(H5Oopen(file_->get(), path.c_str(), H5P_DEFAULT), H5Oclose);
    return object && H5Iget_type(object.get()) == H5I_GROUP;
}

std::vector<std::string> FileReader::list(std::string const& path) const {
    if (!is_group(path)) { fail("group ", path, ": missing"); }
    Handle const group(H5Gopen2(file_->get(), path.c_str(), H5P_DEFAULT), H5Gclose);
    Handle const properties(H5Gget_create_plist(group.get()), H5Pclose);
    unsigned order = 0;
    H5Pget_link_creation_order(properties.get(), &order);
    auto const index = (order & H5P_CRT_ORDER_INDEXED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    std::vector<std::string> names;
    if (H5Literate(group.get(), index, H5_ITER_INC, nullptr, append_name, &names) < 0) {
        fail("group ", path, ": ", hdf5_reason());
    }
    return names;
}

std::vector<std::string> FileReader::datasets(std::string const& group) const {
    // A foreign file may hold a group that contains itself, once or, which is worse, twice.
    constexpr int deepest = 8;
    constexpr std::int64_t most_groups = 10'000;
    std::vector<std::string> found;
    std::int64_t groups = 0;
    auto const visit = [&](auto const& visit_below, std::string const& above, int depth) -> void {
        if (depth > deepest || ++groups > most_groups) {
            fail("group ", above, ": groups nest without end; at most ", deepest, " levels and ", most_groups,
                 " groups are allowed");
        }
        for (std::string const& name : list(above)) {
            std::string const path = (above == "/" ? "" : above) + "/" + name;
            if (is_group(path)) {
                visit_below(visit_below, path, depth + 1);
            } else {
                found.push_back(path);
            }
        }
    };
    visit(visit, group, 1);
    return found;
}

Handle FileReader::open(std::string const& path) const {
    if (!contains(path)) { fail("dataset ", path, ": missing"); }
    if (is_group(path)) { fail("dataset ", path, ": is a group"); }
    Handle dataset(H5Dopen2(file_->get(), path.c_str(), H5P_DEFAULT), H5Dclose);
    if (!dataset) { fail("dataset ", path, ": ", hdf5_reason()); }
    return dataset;
}

std::vector<std::int64_t> FileReader::dims(std::string const& path) const {
    Handle const dataset = open(path);
    Handle const space(H5Dget_space(dataset.get()), H5Sclose);
    int const rank = H5Sget_simple_extent_ndims(space.get());
    if (rank < 0) { fail("dataset ", path, ": ", hdf5_reason()); }
    std::vector<hsize_t> extent(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr);
    return {extent.begin(), extent.end()};
}

ElementType FileReader::type(std::string const& path) const { return element_type(open(path)); }

template <class T>
std::vector<T> FileReader::read_as(Handle const& type, Handle const& dataset, std::string const& path,
                                   std::size_t units) const {
    if (std::string const defect = size_defect(dataset, path_); !defect.empty()) {
        fail("dataset ", path, ": ", defect);
    }
    Handle const space(H5Dget_space(dataset.get()), H5Sclose);
    auto const elements = static_cast<std::size_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space.get()), 0));
    try {
        std::vector<T> values(elements * units);
        if (elements > 0 && H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
            fail("dataset ", path, ": can't be read: ", hdf5_reason());
        }
        return values;
    } catch (std::bad_alloc const&) { fail("dataset ", path, ": too large for this machine's memory"); }
}

template <Element T>
std::vector<T> FileReader::read(std::string const& path) const {
    Handle const dataset = open(path);
    if (!converts<T>(dataset)) {
        constexpr bool is_byte = sizeof(T) == 1;
        constexpr char const* expected =
            std::floating_point<T> ? "numbers" : (is_byte ? "bytes (u8)" : "64-bit integers");
        fail("dataset ", path, ": holds another type, ", expected, " expected");
    }
    return read_as<T>(type_of<T>(), dataset, path);
}
template std::vector<std::int64_t> FileReader::read(std::string const&) const;
template std::vector<float> FileReader::read(std::string const&) const;
template std::vector<double> FileReader::read(std::string const&) const;
template std::vector<std::uint8_t> FileReader::read(std::string const&) const;

std::vector<std::string> FileReader::read_text(std::string const& path) const {
    auto const bytes = read<std::uint8_t>(path + "/bytes");
    auto const offsets = read<std::int64_t>(path + "/offsets");
    if (offsets.empty() || offsets.front() != 0 || offsets.back() != static_cast<std::int64_t>(bytes.size()) ||
        !std::is_sorted(offsets.begin(), offsets.end())) {
        fail("dataset ", path, "/offsets: must rise from 0 to the number of bytes");
    }
    std::vector<std::string> texts;
    for (std::size_t i = 1; i < offsets.size(); ++i) {
        texts.emplace_back(bytes.begin() + offsets[i - 1], bytes.begin() + offsets[i]);
    }
    return texts;
}

std::vector<std::string> FileReader::read_labels(std::string const& path) const {
    Handle const dataset = open(path);
    if (element_type(dataset) != ElementType::label) { fail("dataset ", path, ": fixed-length text expected"); }
    Handle const type(H5Dget_type(dataset.get()), H5Tclose);
    std::size_t const width = H5Tget_size(type.get());
    std::vector<char> const all = read_as<char>(type, dataset, path, width);
    std::vector<std::string> labels;
    for (std::size_t begin = 0; begin < all.size(); begin += width) {
        labels.emplace_back(all.data() + begin, ::strnlen(all.data() + begin, width));
    }
    return labels;
}

std::optional<Attribute> FileReader::find_attribute(std::string const& path, std::string const& name) const {
    if (!contains(path)) { return {}; }
    Handle const object(H5Oopen(file_->get(), path.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object || H5Aexists(object.get(), name.c_str()) <= 0) { return {}; }
    Handle const attribute(H5Aopen(object.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!attribute) { fail("attribute ", name, " of ", path, ": can't be read: ", hdf5_reason()); }
    Handle const space(H5Aget_space(attribute.get()), H5Sclose);
    if (H5Sget_simple_extent_npoints(space.get()) != 1) { return {}; }
    Handle const type(H5Aget_type(attribute.get()), H5Tclose);
    constexpr std::size_t longest_attribute = 1 << 20;
    if (H5Tget_size(type.get()) > longest_attribute) {
        fail("attribute ", name, " of ", path, ": of ", H5Tget_size(type.get()), " bytes; at most ", longest_attribute,
             " are allowed");
    }
    bool good = false;
    auto const number = [&](auto value) {
        good = H5Aread(attribute.get(), type_of<decltype(value)>().get(), &value) >= 0;
        return value;
    };
    Attribute value;
    switch (H5Tget_class(type.get())) {
        case H5T_INTEGER:
            value = number(std::int64_t{0});
            break;
        case H5T_FLOAT:
            value = number(0.0);
            break;
        case H5T_STRING:
            value = read_string(attribute, type, good);
            break;
        default:
            return {};
    }
    if (!good) { fail("attribute ", name, " of ", path, ": can't be read: ", hdf5_reason()); }
    return value;
}

bool FileReader::has_attribute(std::string const& path, std::string const& name) const {
    return find_attribute(path, name).has_value();
}

Attribute FileReader::attribute(std::string const& path, std::string const& name) const {
    auto value = find_attribute(path, name);
    if (!value) { fail("attribute ", name, " of ", path, ": missing"); }
    return *std::move(value);
}

std::map<std::string, Attribute> FileReader::attributes(std::string const& path) const {
    if (!contains(path)) { fail(path, ": missing"); }
    Handle const object(H5Oopen(file_->get(), path.c_str(), H5P_DEFAULT), H5Oclose);
    std::vector<std::string> names;
    if (H5Aiterate2(object.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, append_name, &names) < 0) {
        fail("attributes of ", path, ": ", hdf5_reason());
    }
    std::map<std::string, Attribute> found;
    for (std::string const& name : names) {
        // H5DS marks scales with texts of its own.
        if (name == "CLASS" || name == "NAME") { continue; }
        if (auto value = find_attribute(path, name)) { found.emplace(name, *std::move(value)); }
    }
    return found;
}

}  // namespace alignsweep::store
