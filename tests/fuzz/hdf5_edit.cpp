// SPDX-License-Identifier: Apache-2.0
#include "fuzz/hdf5_edit.hpp"

#include "fuzz/fuzz.hpp"
#include "store/hdf5_handle.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace alignsweep::fuzz {
namespace {

using store::Handle;

// Bytes as a row of choices; zeros once they are used up.
class Choices {
public:
    explicit Choices(std::span<std::uint8_t const> bytes) : left_(bytes) {}

    [[nodiscard]] bool empty() const { return left_.empty(); }
    template <class T = std::uint8_t>
    T take() {
        T value{};
        std::size_t const bytes = std::min(sizeof(T), left_.size());
        if (bytes > 0) { std::memcpy(&value, left_.data(), bytes); }
        left_ = left_.subspan(bytes);
        return value;
    }
    std::size_t below(std::size_t n) { return n == 0 ? 0 : take() % n; }
    template <class List>
    auto const& of(List const& list) {
        return list[below(std::size(list))];
    }

private:
    std::span<std::uint8_t const> left_;
};

constexpr std::array<std::int64_t, 16> integers{
    0, 1, -1, 2, 3, 7, 256, 257, 1023, 1 << 16, 1 << 24, 1 << 30, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
constexpr std::array<hsize_t, 12> extents{
    0, 1, 2, 3, 4, 5, 8, 64, 1 << 16, 1 << 28, hsize_t{1} << 40, hsize_t{1} << 62};
constexpr double infinity = std::numeric_limits<double>::infinity();
std::array<double, 10> const reals{0.0, -0.0, 1.0, 0.5, -1.0, 1e-320, 1e308, infinity, -infinity, std::nan("")};
std::array<std::string, 20> const texts{"",
                                        "alignsweep.checkpoint",
                                        "alignsweep.metrics",
                                        "alignsweep.data",
                                        "step",
                                        "eval",
                                        "a/b",
                                        ".",
                                        "caf\xC3\xA9",
                                        "\xFF\n\t",
                                        std::string(5000, 'x'),
                                        "schema",
                                        "schema_version",
                                        "first_step",
                                        "letters",
                                        "heads",
                                        "optimizer",
                                        "parameters",
                                        "state",
                                        "tokenizer"};

// Types that programs write, ours and foreign ones. Released by the library at its end where predefined.
hid_t type_at(std::size_t choice) {
    static std::vector<hid_t> const types = [] {
        std::vector<hid_t> all{H5T_STD_I64LE, H5T_IEEE_F64LE, H5T_IEEE_F32LE, H5T_STD_U8LE,
                               H5T_STD_U64LE, H5T_STD_I8BE,   H5T_STD_I32LE};
        auto const text = [&](std::size_t bytes) {
            all.push_back(H5Tcopy(H5T_C_S1));
            H5Tset_size(all.back(), bytes);
        };
        text(1);
        text(24);
        text(H5T_VARIABLE);
        all.push_back(H5Tenum_create(H5T_STD_I8LE));  // as h5py writes truth values
        std::int8_t const no = 0, yes = 1;
        H5Tenum_insert(all.back(), "FALSE", &no);
        H5Tenum_insert(all.back(), "TRUE", &yes);
        all.push_back(H5Tcreate(H5T_COMPOUND, 16));
        H5Tinsert(all.back(), "r", 0, H5T_IEEE_F64LE);
        H5Tinsert(all.back(), "i", 8, H5T_IEEE_F64LE);
        all.push_back(H5Tcreate(H5T_OPAQUE, 3));
        hsize_t const two = 2;
        all.push_back(H5Tarray_create2(H5T_STD_I64LE, 1, &two));
        all.push_back(H5T_STD_REF_OBJ);
        return all;
    }();
    return types[choice % types.size()];
}

// All objects below a group by path, within reason: groups may hold themselves.
void collect(hid_t file, std::string const& group, std::vector<std::string>& paths) {
    auto const add = [](hid_t, char const* name, H5L_info_t const*, void* list) -> herr_t {
        static_cast<std::vector<std::string>*>(list)->emplace_back(name);
        return 0;
    };
    std::vector<std::string> names;
    H5Literate_by_name(file, group.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names, H5P_DEFAULT);
    for (std::string const& name : names) {
        if (paths.size() > 32) { return; }
        std::string const path = (group == "/" ? "" : group) + "/" + name;
        paths.push_back(path);
        if (std::count(path.begin(), path.end(), '/') < 3) { collect(file, path, paths); }
    }
}

std::vector<std::string> attribute_names(hid_t object) {
    auto const add = [](hid_t, char const* name, H5A_info_t const*, void* list) -> herr_t {
        static_cast<std::vector<std::string>*>(list)->emplace_back(name);
        return 0;
    };
    std::vector<std::string> names;
    H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names);
    return names;
}

// `count` elements of a type, out of the choices.
void write_values(Choices& choices, hid_t type, std::size_t count, auto const& write) {
    H5T_class_t const kind = H5Tget_class(type);
    if (kind == H5T_INTEGER) {
        std::vector<std::int64_t> values(count);
        for (auto& value : values) {
            value = choices.below(4) == 0 ? choices.take<std::int16_t>() : choices.of(integers);
        }
        write(H5T_NATIVE_INT64, values.data());
    } else if (kind == H5T_FLOAT) {
        std::vector<double> values(count);
        for (auto& value : values) { value = choices.below(4) == 0 ? choices.take<double>() : choices.of(reals); }
        write(H5T_NATIVE_DOUBLE, values.data());
    } else if (kind == H5T_STRING && H5Tis_variable_str(type) > 0) {
        std::vector<char const*> values(count);
        for (auto& value : values) { value = choices.of(texts).c_str(); }
        write(type, values.data());
    } else if (kind != H5T_REFERENCE) {
        std::vector<char> values(count * H5Tget_size(type));
        for (char& value : values) { value = choices.take<char>(); }
        write(type, values.data());
    }
}

void set_attribute(Choices& choices, hid_t object) {
    auto const present = attribute_names(object);
    std::string const name = !present.empty() && choices.below(4) != 0 ? choices.of(present) : choices.of(texts);
    H5Adelete(object, name.c_str());
    hid_t const type = type_at(choices.take());
    std::size_t const shape = choices.below(8);  // mostly a scalar
    hsize_t const length = shape == 1 ? 0 : shape == 2 ? 3 : 1;
    Handle const space(shape == 0   ? H5Screate(H5S_NULL)
                       : shape <= 3 ? H5Screate_simple(1, &length, nullptr)
                                    : H5Screate(H5S_SCALAR),
                       H5Sclose);
    Handle const attribute(H5Acreate2(object, name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (!attribute || shape <= 1) { return; }
    write_values(choices, type, length,
                 [&](hid_t memory, void const* values) { H5Awrite(attribute.get(), memory, values); });
}

// A group goes only as a file's last edit (below).
bool is_group(hid_t file, std::string const& path) {
    Handle const object(H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose);
    return object && H5Iget_type(object.get()) == H5I_GROUP;
}

void replace_dataset(Choices& choices, hid_t file, std::string const& path) {
    if (is_group(file, path)) { return; }
    H5Ldelete(file, path.c_str(), H5P_DEFAULT);
    hid_t const type = type_at(choices.take());
    std::size_t const rank = choices.below(4);
    std::vector<hsize_t> dims(rank), chunk(rank), most(rank, H5S_UNLIMITED);
    double elements = 1;
    for (std::size_t i = 0; i < rank; ++i) {
        dims[i] = choices.of(extents);
        chunk[i] = std::clamp<hsize_t>(dims[i], 1, 16);
        elements *= static_cast<double>(dims[i]);
    }
    Handle const space(rank == 0 ? H5Screate(choices.below(4) == 0 ? H5S_NULL : H5S_SCALAR)
                                 : H5Screate_simple(static_cast<int>(rank), dims.data(), most.data()),
                       H5Sclose);
    Handle const properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    if (rank > 0) { H5Pset_chunk(properties.get(), static_cast<int>(rank), chunk.data()); }
    Handle const dataset(H5Dcreate2(file, path.c_str(), type, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                         H5Dclose);
    if (!dataset || elements == 0 || elements > 4096 || H5Sget_simple_extent_type(space.get()) == H5S_NULL) { return; }
    write_values(choices, type, static_cast<std::size_t>(elements), [&](hid_t memory, void const* values) {
        H5Dwrite(dataset.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    });
}

void write_element(Choices& choices, hid_t file, std::string const& path) {
    Handle const dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose);
    if (!dataset) { return; }
    Handle const space(H5Dget_space(dataset.get()), H5Sclose);
    Handle const type(H5Dget_type(dataset.get()), H5Tclose);
    hssize_t const elements = H5Sget_simple_extent_npoints(space.get());
    int const rank = H5Sget_simple_extent_ndims(space.get());
    if (elements < 1 || rank < 1) { return; }
    std::vector<hsize_t> dims(static_cast<std::size_t>(rank)), at;
    H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr);
    for (hsize_t const n : dims) { at.push_back(choices.take<std::uint16_t>() % n); }
    H5Sselect_elements(space.get(), H5S_SELECT_SET, 1, at.data());
    hsize_t const one = 1;
    Handle const memory_space(H5Screate_simple(1, &one, nullptr), H5Sclose);
    write_values(choices, type.get(), 1, [&](hid_t memory, void const* value) {
        H5Dwrite(dataset.get(), memory, memory_space.get(), space.get(), H5P_DEFAULT, value);
    });
}

void resize_dataset(Choices& choices, hid_t file, std::string const& path) {
    Handle const dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose);
    if (!dataset) { return; }
    Handle const space(H5Dget_space(dataset.get()), H5Sclose);
    int const rank = std::max(0, H5Sget_simple_extent_ndims(space.get()));
    std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr);
    // libhdf5 looks for every chunk that a smaller extent leaves out, be they a billion.
    constexpr hsize_t many = 4096;
    if (std::any_of(dims.begin(), dims.end(), [](hsize_t n) { return n > many; })) { return; }
    for (hsize_t& n : dims) { n = choices.of(extents); }
    H5Dset_extent(dataset.get(), dims.data());
}

// Returns false after a hard link: what is a group's own ancestor crashes libhdf5 1.10 itself when it is removed or
// linked again, so such a link is the last edit of a file; and so is the removal of a group.
bool add_link(Choices& choices, hid_t file, std::string const& from, std::string const& to) {
    if (is_group(file, to)) { return true; }
    H5Ldelete(file, to.c_str(), H5P_DEFAULT);
    switch (choices.below(4)) {
        case 0:
            H5Lcreate_hard(file, from.c_str(), file, to.c_str(), H5P_DEFAULT, H5P_DEFAULT);
            return false;
        case 1:
            H5Lcreate_soft(from.c_str(), file, to.c_str(), H5P_DEFAULT, H5P_DEFAULT);
            break;
        case 2:
            H5Lcreate_external("none.h5", from.c_str(), file, to.c_str(), H5P_DEFAULT, H5P_DEFAULT);
            break;
        default:
            Handle const group(H5Gcreate2(file, to.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    }
    return true;
}

// The path of an object, or, now and then, a new one.
std::string path_in(Choices& choices, hid_t file) {
    std::vector<std::string> paths{"/"};
    collect(file, "/", paths);
    std::string const& known = choices.of(paths);
    if (choices.below(8) != 0) { return known; }
    return (known == "/" ? "" : known) + "/" + choices.of(texts);
}

// False: the last edit that this file takes.
bool edit(Choices& choices, hid_t file) {
    std::size_t const what = choices.below(12);
    std::string const path = path_in(choices, file);
    switch (what) {
        case 0:
        case 1:
        case 2: {
            Handle const object(H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose);
            if (object) { set_attribute(choices, object.get()); }
            break;
        }
        case 3: {
            Handle const object(H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose);
            if (!object) { break; }
            auto const names = attribute_names(object.get());
            if (!names.empty()) { H5Adelete(object.get(), choices.of(names).c_str()); }
            break;
        }
        case 4:
            H5Ldelete(file, path.c_str(), H5P_DEFAULT);
            return false;
        case 5:
        case 6:
            replace_dataset(choices, file, path);
            break;
        case 7:
            resize_dataset(choices, file, path);
            break;
        case 8:
            return add_link(choices, file, path, path_in(choices, file));
        default:
            write_element(choices, file, path);
    }
    return true;
}

// False: it can't be opened.
bool edit_file(std::filesystem::path const& file, Choices& choices) {
    constexpr int most_edits = 12;
    store::silence_hdf5();
    Handle const access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110);
    Handle const opened(H5Fopen(file.c_str(), H5F_ACC_RDWR, access.get()), H5Fclose);
    if (!opened) { return false; }
    for (int i = 0; i < most_edits && !choices.empty() && edit(choices, opened.get()); ++i) {}
    return true;
}

}  // namespace

// In a process of its own, since edits of damaged objects through libhdf5's interface damage the lists and heaps of
// libhdf5 1.10 itself, which a later input would be blamed for. What the child leaves, whole or not, is an input.
void write_edited(std::filesystem::path const& file, std::string_view original, std::span<std::uint8_t const> edits) {
    write_file(file.filename().c_str(), original);
    Choices choices(edits);
    if (choices.empty()) { return; }
    pid_t const child = ::fork();
    require(child >= 0, "no process for the edits");
    if (child == 0) {
        for (int const signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) { ::signal(signal, SIG_DFL); }
        ::freopen("/dev/null", "w", stderr);
        ::alarm(5);
        ::_exit(edit_file(file, choices) ? 0 : 1);
    }
    int state = 0;
    pid_t ended = 0;
    do { ended = ::waitpid(child, &state, 0); } while (ended < 0 && errno == EINTR);  // libFuzzer has a timer
    require(ended == child, "the edits' process is lost");
    require(!WIFEXITED(state) || WEXITSTATUS(state) != 1, "the valid file can't be opened");
}

}  // namespace alignsweep::fuzz
