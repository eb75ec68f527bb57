// SPDX-License-Identifier: Apache-2.0
// The sweep as it was asked for, kept beside its results: `status` and `rerun` need no other file.
#pragma once

#include "config/ini.hpp"

#include <filesystem>
#include <span>
#include <vector>

namespace alignsweep::sweep {

// <out>/sweep.ini: all entries of files and --set in one file, the last value of each key; paths are absolute.
void write_sweep_ini(std::filesystem::path const& out, std::span<config::Entry const> entries);
// Throws IoError where the folder holds none.
[[nodiscard]] std::vector<config::Entry> read_sweep_ini(std::filesystem::path const& out);

}  // namespace alignsweep::sweep
