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

struct Descriptor;

struct StageSpec {
    Descriptor const* descriptor;               // of its kind
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
};

// What a stage leaves behind besides its files.
struct StageResult {
    std::map<std::string, double> metrics;  // final metrics, under their names
    std::map<std::string, double> costs;    // "<what>/<role>": tokens/policy, labels/feedback, ...
};

// Builds a stage: its identity holds kind, version, backend, scalar type, the sections and seeds that the kind reads,
// and the keys of its inputs. Throws ConfigError for an unknown kind.
[[nodiscard]] StageSpec make_stage(std::string const& kind, config::Config const& config, std::int64_t seed,
                                   std::map<std::string, std::string> inputs);

// The methods of alignment, in the order of the tables: rlhf, dpo, kto, ... Each is a stage kind as well.
[[nodiscard]] std::vector<std::string> const& method_names();

// Roles of the models that a stage kind holds at once: policy, reference, reward_model, ...
[[nodiscard]] std::vector<std::string> models_held(std::string const& kind, config::Config const& config);

// Runs a stage from its last checkpoint, or from the beginning, in <host.stages>/<id>, and writes its manifest last.
// Throws TrialError (a NaN, say), IoError, or Stopped after a checkpoint.
void execute(StageSpec const& spec, StageHost const& host);

// True if the stage's manifest stands. Throws IoError for a malformed one.
[[nodiscard]] bool is_done(std::filesystem::path const& stages, std::string const& id);

// Reads every data file that the section names, so that a malformed one is seen before any stage runs, and says which
// rows data.bad_rows = skip leaves out. Throws IoError.
void check_data(config::DataConfig const& data);

// Relative work of a stage (FLOPs, roughly), for longest-first scheduling and the plan.
struct Estimate {
    double tokens = 0.0, flops = 0.0;
    double work = 0.0;  // FLOPs weighted by how long the kind takes for one: for estimates of time
};
[[nodiscard]] Estimate estimate(StageSpec const& spec);

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
