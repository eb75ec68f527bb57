// SPDX-License-Identifier: Apache-2.0
// Private to src/store: limits that are checked before memory is taken.
#pragma once

#include "store/hdf5_handle.hpp"

#include <filesystem>
#include <string>

namespace alignsweep::store {

// Why the dataset can't be read whole: it claims more than `file` can hold, since a dataset of any size costs nothing
// to claim, and libhdf5 makes up what was never written. Empty: nothing is wrong.
[[nodiscard]] std::string size_defect(Handle const& dataset, std::filesystem::path const& file);

}  // namespace alignsweep::store
