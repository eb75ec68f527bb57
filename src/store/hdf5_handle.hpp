// SPDX-License-Identifier: Apache-2.0
// Private to src/store: the only header that includes hdf5.h.
#pragma once

#include "store/file.hpp"

#include <hdf5.h>

#include <bit>
#include <string>
#include <utility>

namespace alignsweep::store {

// A move-only HDF5 identifier; negative where the call that made it failed.
class Handle {
public:
    using Close = herr_t (*)(hid_t);
    Handle() = default;
    Handle(hid_t id, Close close) : id_(id), close_(close) {}
    ~Handle() { reset(); }
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
    Handle& operator=(Handle&& other) noexcept {
        if (this != &other) {
            reset();
            id_ = std::exchange(other.id_, H5I_INVALID_HID);
            close_ = other.close_;
        }
        return *this;
    }

    [[nodiscard]] hid_t get() const { return id_; }
    explicit operator bool() const { return id_ >= 0; }
    // Closes now; false where that failed.
    bool reset() { return id_ < 0 || close_(std::exchange(id_, H5I_INVALID_HID)) >= 0; }

private:
    hid_t id_ = H5I_INVALID_HID;
    Close close_ = nullptr;
};

// Keeps libhdf5 from printing its error stacks: the caller throws one line instead.
inline void silence_hdf5() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

// What the innermost failing function of libhdf5 said about the last call.
inline std::string hdf5_reason() {
    std::string reason;
    auto const take_first = [](unsigned, H5E_error2_t const* error, void* text) -> herr_t {
        auto& first = *static_cast<std::string*>(text);
        if (first.empty() && error->desc != nullptr) { first = error->desc; }
        return 0;
    };
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &reason);
    return reason.empty() ? "unknown reason" : reason;
}

static_assert(std::endian::native == std::endian::little, "files are little-endian, and so is all that runs this");

// The type of an element, in files and in memory.
template <Element T>
Handle type_of() {
    hid_t const type = std::same_as<T, std::int64_t> ? H5T_STD_I64LE
                       : std::same_as<T, float>      ? H5T_IEEE_F32LE
                       : std::same_as<T, double>     ? H5T_IEEE_F64LE
                                                     : H5T_STD_U8LE;
    return {H5Tcopy(type), H5Tclose};
}

// Null-padded text of a fixed length >= 1, or of H5T_VARIABLE.
inline Handle text_type(std::size_t bytes, H5T_cset_t charset = H5T_CSET_ASCII) {
    Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.get(), bytes);
    H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
    H5Tset_cset(type.get(), charset);
    return type;
}

}  // namespace alignsweep::store
