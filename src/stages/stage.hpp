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
    // Called, where it is set, with the context of a stage that has run.
    std::function<void(Context const&)> observe{};
};

// What a stage leaves behind besides its files.
struct StageResult {
    std::map<std::string, double> metrics;  // final metrics, under their names
    std::map<std::string, double> costs;    // "<what>/<role>": tokens/policy, labels/feedback, ...
};

// Throws ConfigError where --threads, a KOKKOS_* or OMP_* variable or a --kokkos-* flag asks for what there is not.
void check_runtime(int argc, char const* const* argv, int threads);

// Checks the same, then starts Kokkos, and ends it; threads = 0 leaves the choice to Kokkos and the environment.
class Runtime {
public:
    Runtime(int& argc, char** argv, int threads);
    ~Runtime();
    Runtime(Runtime const&) = delete;
    Runtime& operator=(Runtime const&) = delete;
};

// "openmp", "cuda", ...; "float32" or "float64".
[[nodiscard]] std::string backend_name();
[[nodiscard]] std::string scalar_name();
// What a result's bits may depend on beside its configuration: backend, scalar, blas (with the processor that its
// kernels are for), compiler, kokkos, git_commit, softwareVersion, processor. The same keys always.
[[nodiscard]] std::map<std::string, std::string> run_facts();

}  // namespace alignsweep::stages
