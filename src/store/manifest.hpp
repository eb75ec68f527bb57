// SPDX-License-Identifier: Apache-2.0
// stage.json: the manifest of a finished stage, written last. A stage is done when its manifest stands and the digests
// of its files hold.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace alignsweep::store {

struct Manifest {
    std::string kind;  // "align"
    std::string key;   // hash of all that the stage depends on
    std::string status = "done";
    std::map<std::string, std::string> inputs;  // stage or data file -> its key or digest
    std::map<std::string, std::string> files;   // file name inside the folder -> digest
    std::map<std::string, double> metrics;      // final metrics; NaN and infinities are kept
    std::map<std::string, std::string> facts;   // commit, compiler, BLAS core, host, ...
    double seconds = 0.0;
    std::map<std::string, double> costs;

    bool operator==(Manifest const&) const = default;
};

// Writes `folder`/stage.json atomically; the same manifest gives the same bytes. Throws IoError.
void write_manifest(std::filesystem::path const& folder, Manifest const& manifest);

// Nothing where there is none; IoError (file, what is wrong) where it is malformed or of another version.
[[nodiscard]] std::optional<Manifest> read_manifest(std::filesystem::path const& folder);

// Throws IoError for the first file that is missing or whose content is not what the manifest says.
void verify_files(std::filesystem::path const& folder, Manifest const& manifest);

}  // namespace alignsweep::store
