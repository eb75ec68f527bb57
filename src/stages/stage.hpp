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
};

// What a stage leaves behind besides its files.
struct StageResult {
    std::map<std::string, double> metrics;  // final metrics, under their names
    std::map<std::string, double> costs;    // "<what>/<role>": tokens/policy, labels/feedback, ...
};

// What a result's bits may depend on beside its configuration: backend, scalar, blas (with the processor that its
// kernels are for), vector_bits (of a SIMD register), compiler, kokkos, git_commit, softwareVersion, processor. The
// same keys always.
[[nodiscard]] std::map<std::string, std::string> run_facts();
// What its bits do not depend on: host, threads, libraries, and under Slurm slurm_job and slurm_restarts.
[[nodiscard]] std::map<std::string, std::string> run_circumstances();

}  // namespace alignsweep::stages
