// SPDX-License-Identifier: Apache-2.0
// Runs one stage in its folder and publishes its manifest last, which says what the result came from.
#include "config/values.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/machine.hpp"
#include "model/runtime.hpp"
#include "model/trace.hpp"
#include "stages/context.hpp"
#include "stages/descriptor.hpp"
#include "store/file.hpp"
#include "store/manifest.hpp"
#include "store/publish.hpp"

#include <fmt/core.h>
#include <spdlog/version.h>
#include <xxhash.h>
#include <zlib.h>
#include <boost/version.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <regex>
#include <sstream>
#include <utility>

namespace alignsweep::stages {

namespace fs = std::filesystem;

namespace {

// What only fast arithmetic depends on.
std::map<std::string, std::string> machine_facts() {
    return {{"instructions", model::instruction_set()},
            {"backend", model::backend_name()},
            {"kokkos", model::kokkos_version()},
            {"processor", core::processor()}};
}

}  // namespace

std::map<std::string, std::string> run_facts() {
    bool const portable = model::arithmetic() == core::Arithmetic::portable;
    std::map<std::string, std::string> facts{{"scalar", model::scalar_name()},
                                             {"blas", model::blas_name()},
                                             {"compiler", __VERSION__},
                                             {"git_commit", core::git_commit()},
                                             {"softwareVersion", core::version()}};
    if (!portable) { facts.merge(machine_facts()); }
    return facts;
}

fs::path progress_file(fs::path const& folder, std::int64_t step) {
    return folder / core::concat("checkpoint-", step, ".h5");
}

std::vector<std::int64_t> progress_steps(fs::path const& folder) {
    std::vector<std::int64_t> steps;
    std::regex const shape("checkpoint-([0-9]+)\\.h5");
    for (auto const& entry : fs::directory_iterator(folder)) {
        std::string const name = entry.path().filename().string();
        std::smatch found;
        if (std::regex_match(name, found, shape)) { steps.push_back(std::stoll(found[1])); }
    }
    std::sort(steps.rbegin(), steps.rend());
    return steps;
}

bool is_done(fs::path const& stages, std::string const& id) {
    auto const manifest = store::read_manifest(stages / id);
    if (manifest) { store::check_place(stages / id, *manifest); }
    return manifest.has_value();
}

namespace {

void remove_progress(fs::path const& folder) {
    for (std::int64_t const step : progress_steps(folder)) { fs::remove(progress_file(folder, step)); }
}

std::map<std::string, store::FileFact> facts_of_files(fs::path const& folder) {
    std::map<std::string, store::FileFact> facts;
    for (char const* name : {"checkpoint.h5", "value.h5", "data.h5", "metrics.h5"}) {
        if (fs::exists(folder / name)) { facts[name] = store::describe_file(folder / name); }
    }
    return facts;
}

// The files of the input stages must be what their manifests say before libhdf5 opens them. Returns what each holds, by
// role.
std::map<std::string, std::string> verify_inputs(StageSpec const& spec, fs::path const& stages) {
    std::map<std::string, std::string> contents;
    for (auto const& [role, id] : spec.inputs) {
        auto const manifest = store::read_manifest(stages / id);
        if (!manifest) { throw core::IoError((stages / id).string(), ": the stage is not finished"); }
        store::check_place(stages / id, *manifest);
        store::verify_files(stages / id, *manifest);
        contents[role] = store::content_digest(*manifest);
    }
    return contents;
}

// The curves up to where an earlier attempt stopped. Without them its checkpoints are of no use: a resumed run must
// leave the same curves as one that was never interrupted.
void load_curves(Context& context, fs::path const& file) {
    try {
        if (fs::exists(file)) {
            context.curves = store::MetricStream::load(file);
            return;
        }
    } catch (core::IoError const& error) {
        core::log_warning(core::concat(error.what(), "; the stage starts again"));
        fs::remove(file);
    }
    remove_progress(context.folder());
}

// How the stage was run, which none of its bits depends on; and the data files, with their digests from the identity:
// the files may be gone by the time a long stage ends.
std::map<std::string, std::string> circumstances_of(StageSpec const& spec, StageHost const& host) {
    std::map<std::string, std::string> found{
        {"host", core::host_name()},
        {"threads", std::to_string(model::concurrency())},
        {"libraries",
         core::concat("Boost ", BOOST_VERSION / 100000, ".", BOOST_VERSION / 100 % 1000, ", fmt ", FMT_VERSION / 10000,
                      ".", FMT_VERSION / 100 % 100, ", HDF5 ", store::hdf5_version(), ", nlohmann-json ",
                      NLOHMANN_JSON_VERSION_MAJOR, ".", NLOHMANN_JSON_VERSION_MINOR, ", spdlog ", SPDLOG_VER_MAJOR, ".",
                      SPDLOG_VER_MINOR, ", xxHash ", XXH_VERSION_NUMBER / 10000, ".", XXH_VERSION_NUMBER / 100 % 100,
                      ".", XXH_VERSION_NUMBER % 100, ", zlib ", zlibVersion())}};
    for (auto const& [name, variable] : {std::pair{"slurm_job", "SLURM_JOB_ID"},
                                         {"slurm_array_job", "SLURM_ARRAY_JOB_ID"},
                                         {"slurm_array_task", "SLURM_ARRAY_TASK_ID"},
                                         {"slurm_restarts", "SLURM_RESTART_COUNT"}}) {
        if (char const* const value = std::getenv(variable)) { found[name] = value; }
    }
    found.insert(host.circumstances.begin(), host.circumstances.end());
    if (model::arithmetic() == core::Arithmetic::portable) { found.merge(machine_facts()); }
    auto const& data = spec.config.get<config::DataConfig>();
    std::map<std::string, std::string> const files{
        {"corpus", data.corpus}, {"sft", data.sft}, {"preferences", data.preferences}, {"thumbs", data.thumbs}};
    std::istringstream lines(spec.identity);
    bool in_data = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("[")) { in_data = line == "[data]"; }
        auto const equals = line.find('=');
        auto const file = files.find(line.substr(0, equals));
        if (!in_data || equals == std::string::npos || file == files.end() || file->second.empty()) { continue; }
        found["data." + file->first] = core::concat(line.substr(equals + 1), " ", file->second);
    }
    return found;
}

}  // namespace

void execute(StageSpec const& spec, StageHost const& host) {
    auto const begin = std::chrono::steady_clock::now();
    std::string const started = core::utc_now();
    model::use_arithmetic(spec.config.get<config::RunConfig>().arithmetic);
    Context context(spec, host);
    std::error_code error;
    fs::create_directories(context.folder(), error);
    if (error) { throw core::IoError(context.folder().string(), ": can't be made: ", error.message()); }
    auto made_from = verify_inputs(spec, host.stages);
    store::remove_temporaries(context.folder());
    core::LogFile const log(context.folder() / "log.txt");
    core::log_info(core::concat(spec.id(), ": starts"));
    store::write_text_atomically(context.folder() / "config.ini", config::to_ini(spec.config));
    auto const live_metrics = context.folder() / "metrics.h5";
    load_curves(context, live_metrics);
    std::optional<model::Trace> trace;
    if (host.trace || context.pace().trace) { trace.emplace(context.folder() / "trace.txt"); }
    spec.descriptor->run(context);
    // A model that became NaN in its last step is noticed only here.
    for (auto const& [name, value] : context.result.metrics) {
        if (!std::isfinite(value)) { throw core::TrialError(name + " is not finite"); }
    }
    if (host.observe) { host.observe(context); }
    if (context.curves.steps().empty()) { fs::remove(live_metrics); }
    if (!context.curves.steps().empty()) { context.publish_curves(); }
    remove_progress(context.folder());
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - begin;
    store::Manifest manifest{.kind = spec.kind,
                             .key = spec.key,
                             .inputs = spec.inputs,
                             .made_from = std::move(made_from),
                             .files = facts_of_files(context.folder()),
                             .metrics = context.result.metrics,
                             .facts = run_facts(),
                             .circumstances = circumstances_of(spec, host),
                             .seconds = seconds.count(),
                             .costs = context.result.costs};
    manifest.facts["identity"] = spec.identity;
    manifest.circumstances["started"] = started;
    manifest.circumstances["ended"] = core::utc_now();
    store::write_manifest(context.folder(), manifest);
    core::log_info(core::concat(spec.id(), ": done in ", static_cast<int>(seconds.count() * 10.0) / 10.0, " s"));
}

}  // namespace alignsweep::stages
