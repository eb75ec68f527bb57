// SPDX-License-Identifier: Apache-2.0
// stage.json: the manifest of a finished stage, written last. It proves itself by a digest of its own, its place by the
// stage's identity, and each file by size, time and digest. A stage is done when all of this holds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace alignsweep::store {

// A file as it was when the stage was finished.
struct FileFact {
    std::string digest;
    std::int64_t bytes = 0;
    std::int64_t modified_ns = 0;  // since 1970, by the file system

    bool operator==(FileFact const&) const = default;
};
// Throws IoError where the file can't be read.
[[nodiscard]] FileFact describe_file(std::filesystem::path const& file);

struct Manifest {
    std::string kind;  // "align"
    std::string key;   // hash of facts["identity"]
    std::string status = "done";
    std::map<std::string, std::string> inputs;  // role -> id of the stage
    // role -> content_digest of that stage as it was read: one that was made again may differ in its last bits.
    std::map<std::string, std::string> made_from{};
    std::map<std::string, FileFact> files;     // by the name inside the folder
    std::map<std::string, double> metrics;     // final metrics; NaN and infinities are kept
    std::map<std::string, std::string> facts;  // identity; what bits may depend on: commit, compiler, BLAS, processor
    // What they do not depend on: host, ranks, job, when it ran, ... Earlier manifests have none.
    std::map<std::string, std::string> circumstances{};
    double seconds = 0.0;
    std::map<std::string, double> costs;

    bool operator==(Manifest const&) const = default;
};

// All below throw IoError, one line that ends with the remedy.

// "; `alignsweep repair ...` ...": what mends the stage in this folder, for messages about one of its files.
[[nodiscard]] std::string remedy(std::filesystem::path const& folder);

// Writes `folder`/stage.json atomically; the same manifest gives the same bytes.
void write_manifest(std::filesystem::path const& folder, Manifest const& manifest);

// Nothing where there is none. Refuses one that is malformed, of another version, or not what was written.
[[nodiscard]] std::optional<Manifest> read_manifest(std::filesystem::path const& folder);

// The key of what a stage depends on.
[[nodiscard]] std::string key_of_identity(std::string const& identity);

// The stage is finished, its key and its kind are those of its identity, and the folder is named after them.
void check_place(std::filesystem::path const& folder, Manifest const& manifest);

// Of the digests of all files of a stage: what a stage that reads it may depend on.
[[nodiscard]] std::string content_digest(Manifest const& manifest);

// Why a stage must be made again: its input with this role is no longer what it was made from. Empty: it is.
[[nodiscard]] std::string input_defect(std::filesystem::path const& folder, Manifest const& manifest,
                                       std::string const& role, Manifest const& input);

// Cheap: each file is there with its size and time; one of another time (a copied folder) is read and must be the same.
void check_files(std::filesystem::path const& folder, Manifest const& manifest);

// Reads each file of the right size, whatever its time says.
void verify_files(std::filesystem::path const& folder, Manifest const& manifest);

}  // namespace alignsweep::store
