// SPDX-License-Identifier: Apache-2.0
// Private to src/store: an HDF5 file that is built in memory, so that a full disk never meets libhdf5 half-way (a
// failing H5Fclose leaves the library in a state that it can't leave), the digest needs no second read, and file
// locks, which some NFS and Lustre lack, are not needed. Costs memory of the file's size for as long as it is built.
#pragma once

#include "store/hdf5_handle.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace alignsweep::store {

class MemoryFile {
public:
    MemoryFile();

    [[nodiscard]] hid_t id() const { return file_.get(); }
    // Closes the file; its bytes stay valid until destruction. Empty where libhdf5 failed.
    std::span<std::byte const> close();

private:
    struct Image;
    std::shared_ptr<Image> image_;
    Handle file_;  // is closed first
};

// Property list of an object in it (H5P_GROUP_CREATE, ...): no times (they would differ between equal runs), links in
// order of creation.
Handle creation_properties(hid_t kind);

}  // namespace alignsweep::store
