// SPDX-License-Identifier: Apache-2.0
#include "store/memory_file.hpp"

#include "core/error.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace alignsweep::store {

// The buffer of libhdf5's "core" driver. H5Fget_file_image can't be used: for the 1.10 format it clears a flag of the
// superblock without renewing its checksum (seen in 1.10.8), and the copy can't be opened. So the driver's callbacks
// hand over the buffer at the close, without a copy.
struct MemoryFile::Image {
    std::byte* data = nullptr;
    std::size_t capacity = 0;
    bool closed = false;

    ~Image() { std::free(data); }

    static void* resize(void* /*old*/, std::size_t size, H5FD_file_image_op_t, void* self) {
        auto& image = *static_cast<Image*>(self);
        auto* const grown = static_cast<std::byte*>(std::realloc(image.data, size));
        if (grown == nullptr) { return nullptr; }
        // Space that libhdf5 reserves and never writes must not hold chance bytes.
        if (size > image.capacity) { std::memset(grown + image.capacity, 0, size - image.capacity); }
        image.data = grown;
        image.capacity = size;
        return grown;
    }
    static void* allocate(std::size_t size, H5FD_file_image_op_t operation, void* self) {
        return resize(nullptr, size, operation, self);
    }
    static void* copy(void* to, void const* from, std::size_t size, H5FD_file_image_op_t, void*) {
        return std::memcpy(to, from, size);
    }
    static herr_t release(void*, H5FD_file_image_op_t operation, void* self) {
        if (operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE) { static_cast<Image*>(self)->closed = true; }
        return 0;
    }
    static void* share(void* self) { return self; }
    static herr_t unshare(void*) { return 0; }
};

namespace {

constexpr std::size_t growth = std::size_t{1} << 20;

}  // namespace

MemoryFile::MemoryFile() : image_(std::make_shared<Image>()) {
    silence_hdf5();
    Handle const access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110);
    H5Pset_fapl_core(access.get(), growth, false);
    H5FD_file_image_callbacks_t callbacks = {Image::allocate, Image::copy,    Image::resize, Image::release,
                                             Image::share,    Image::unshare, image_.get()};
    H5Pset_file_image_callbacks(access.get(), &callbacks);
    Handle const creation = creation_properties(H5P_FILE_CREATE);
    // libhdf5 takes two memory files of one name for the same file.
    static std::atomic<unsigned> counter{0};
    std::string const name = core::concat("alignsweep-", counter++);
    file_ = Handle(H5Fcreate(name.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose);
}

std::span<std::byte const> MemoryFile::close() {
    bool const done = file_.reset();
    // Superblock of version 2 and 3: the end of the file's used part stands at byte 28, little-endian. The buffer
    // itself grows in steps of 1 MiB.
    constexpr std::size_t end_at = 28;
    if (!done || !image_->closed || image_->capacity < end_at + sizeof(std::uint64_t)) { return {}; }
    std::uint64_t end = 0;
    std::memcpy(&end, image_->data + end_at, sizeof(end));
    if (end > image_->capacity) { return {}; }
    return {image_->data, static_cast<std::size_t>(end)};
}

Handle creation_properties(hid_t kind) {
    Handle properties(H5Pcreate(kind), H5Pclose);
    H5Pset_obj_track_times(properties.get(), false);
    if (H5Pisa_class(properties.get(), H5P_GROUP_CREATE) > 0) {  // of a file, too: it holds the root
        H5Pset_link_creation_order(properties.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    }
    return properties;
}

}  // namespace alignsweep::store
