// SPDX-License-Identifier: Apache-2.0
// Whether what a results folder claims is there: every stage's manifest, place and files, and the index.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace alignsweep::sweep {

namespace fs = std::filesystem;

struct StageCheck {
    std::string id;  // name of the stage's folder
    bool finished = false;
    std::string error;       // why it is broken; empty: it is whole, or not finished
    std::int64_t bytes = 0;  // of the files that were read
};

// Reads every file of every finished stage in <out>/stages, of this sweep or another, by name. Throws IoError where the
// folder can't be listed.
[[nodiscard]] std::vector<StageCheck> verify_stages(fs::path const& out);

// Why <out>/sweep.h5 can't be used, or empty (also where there is none yet): every column is read.
[[nodiscard]] std::string index_defect(fs::path const& out);

// Moves a stage's folder to <out>/set-aside/<id>, or <id>.2, ... Returns where it lies now, or nothing where a running
// sweep holds the stage. Throws IoError where it can't be moved.
[[nodiscard]] fs::path set_aside(fs::path const& out, std::string const& id);

}  // namespace alignsweep::sweep
