// SPDX-License-Identifier: Apache-2.0
// A stage is one step of a trial's life: a pure function of its own part of the configuration and of its input stages.
// No Kokkos and no HDF5 here: the scheduler sees only this.
#pragma once

#include "config/schema.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace alignsweep::stages {

class Context;
struct Descriptor;

struct StageSpec {
    Descriptor const* descriptor = nullptr;     // of its kind
    std::string kind;                           // corpus, pretrain, sft, ..., evaluate
    std::string key;                            // hash of `identity`
    std::string identity;                       // all that the stage may depend on, as text
    std::map<std::string, std::string> inputs;  // role -> id of the stage
    config::Config config;
    std::int64_t seed = 0;

    // Name of its folder: <kind>-<key>.
    [[nodiscard]] std::string id() const { return kind + "-" + key; }
};

// What the surroundings give a running stage.
struct StageHost {
    std::filesystem::path stages;          // folder of all stages
    std::function<bool()> stop_requested;  // polled between steps
    std::function<void(double)> progress;  // share done, 0 to 1
    // What it knows of the run, for the manifest: ranks, the MPI library.
    std::map<std::string, std::string> circumstances{};
    // Called, where it is set, with the context of a stage that has run.
    std::function<void(Context const&)> observe{};
    bool trace = false;  // as if run.trace were set
};

// What a stage leaves behind besides its files.
struct StageResult {
    std::map<std::string, double> metrics;  // final metrics, under their names
    std::map<std::string, double> costs;    // "<what>/<role>": tokens/policy, labels/feedback, ...
};

// Runs a stage from its last checkpoint, or from the beginning, in <host.stages>/<id>, and writes its manifest last.
// Throws TrialError (a NaN, say), IoError, or Stopped after a checkpoint.
void execute(StageSpec const& spec, StageHost const& host);

// True if the stage's manifest stands. Throws IoError for a malformed one.
[[nodiscard]] bool is_done(std::filesystem::path const& stages, std::string const& id);

// Checkpoint of a running stage after `step` steps; those that its folder has, newest first. `execute` removes them
// once the stage is finished.
[[nodiscard]] std::filesystem::path progress_file(std::filesystem::path const& folder, std::int64_t step);
[[nodiscard]] std::vector<std::int64_t> progress_steps(std::filesystem::path const& folder);

// What a result's bits may depend on beside its configuration: scalar, blas, compiler, git_commit,
// softwareVersion; in fast arithmetic also instructions, backend, kokkos and processor, which else are circumstances.
[[nodiscard]] std::map<std::string, std::string> run_facts();

}  // namespace alignsweep::stages
