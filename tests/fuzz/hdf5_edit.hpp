// SPDX-License-Identifier: Apache-2.0
// Structure-aware mutation of HDF5 files: the fuzzer's bytes become changes that go through HDF5's own calls, so that
// the file stays valid and what is tried is this program's reader, not libhdf5's parser (README.md says why).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace alignsweep::fuzz {

// Writes `original`, a valid file, as `file` and changes it: attributes set, retyped and removed; datasets replaced by
// others of any type, rank and size (huge ones are sparse), resized, removed, single elements overwritten; groups and
// links added, loops and dangling ones among them.
void write_edited(std::filesystem::path const& file, std::string_view original, std::span<std::uint8_t const> edits);

}  // namespace alignsweep::fuzz
