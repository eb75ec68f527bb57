// SPDX-License-Identifier: Apache-2.0
// Runs one stage in its folder and publishes its manifest last.
#include "config/values.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/machine.hpp"
#include "kinds/kinds.hpp"
#include "stages/context.hpp"
#include "store/manifest.hpp"
#include "store/publish.hpp"
#include "train/progress.hpp"

#include <chrono>
#include <cmath>
#include <sstream>

namespace alignsweep::kinds {

namespace fs = std::filesystem;

bool is_done(fs::path const& stages, std::string const& id) {
    auto const manifest = store::read_manifest(stages / id);
    if (manifest) { store::check_place(stages / id, *manifest); }
    return manifest.has_value();
}

namespace {

void make_folder(fs::path const& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) { throw core::IoError(core::concat(folder.string(), ": can't be made: ", error.message())); }
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
std::map<std::string, std::string> verify_inputs(stages::StageSpec const& spec, fs::path const& stages) {
    std::map<std::string, std::string> contents;
    for (auto const& [role, id] : spec.inputs) {
        auto const manifest = store::read_manifest(stages / id);
        if (!manifest) { throw core::IoError(core::concat((stages / id).string(), ": the stage is not finished")); }
        store::check_place(stages / id, *manifest);
        store::verify_files(stages / id, *manifest);
        contents[role] = store::content_digest(*manifest);
    }
    return contents;
}

// The curves up to where an earlier attempt stopped. Without them its checkpoints are of no use: a resumed run must
// leave the same curves as one that was never interrupted.
void load_curves(stages::Context& context, fs::path const& file) {
    try {
        if (fs::exists(file)) {
            context.curves = store::MetricStream::load(file);
            return;
        }
    } catch (core::IoError const& error) {
        core::log_warning(core::concat(error.what(), "; the stage starts again"));
        fs::remove(file);
    }
    train::remove_progress(context.folder());
}

// How it was run, and the data files that it depends on with their digests. These are taken from the identity: the
// files may be gone by the time a long stage ends.
std::map<std::string, std::string> circumstances_of(stages::StageSpec const& spec, stages::StageHost const& host) {
    auto circumstances = stages::run_circumstances();
    circumstances.insert(host.circumstances.begin(), host.circumstances.end());
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
        circumstances["data." + file->first] = core::concat(line.substr(equals + 1), " ", file->second);
    }
    return circumstances;
}

// A model that broke in its very last step shows itself only here.
void check_results(stages::StageResult const& result) {
    for (auto const& [name, value] : result.metrics) {
        if (!std::isfinite(value)) { throw core::TrialError(name + " is not finite"); }
    }
}

}  // namespace

void execute(stages::StageSpec const& spec, stages::StageHost const& host) {
    auto const begin = std::chrono::steady_clock::now();
    std::string const started = core::utc_now();
    stages::Context context(spec, host);
    make_folder(context.folder());
    auto made_from = verify_inputs(spec, host.stages);
    store::remove_temporaries(context.folder());
    core::LogFile const log(context.folder() / "log.txt");
    core::log_info(core::concat(spec.id(), ": starts"));
    store::write_text_atomically(context.folder() / "config.ini", config::to_ini(spec.config));
    auto const live_metrics = context.folder() / "metrics.h5";
    load_curves(context, live_metrics);
    spec.descriptor->run(context);
    check_results(context.result);
    if (host.observe) { host.observe(context); }
    if (!context.curves.steps().empty()) {
        context.publish_curves();
    } else {
        fs::remove(live_metrics);
    }
    train::remove_progress(context.folder());
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - begin;
    store::Manifest manifest;
    manifest.kind = spec.kind;
    manifest.key = spec.key;
    manifest.inputs = spec.inputs;
    manifest.made_from = std::move(made_from);
    manifest.files = facts_of_files(context.folder());
    manifest.metrics = context.result.metrics;
    manifest.facts = stages::run_facts();
    manifest.facts["identity"] = spec.identity;
    manifest.circumstances = circumstances_of(spec, host);
    manifest.circumstances["started"] = started;
    manifest.circumstances["ended"] = core::utc_now();
    manifest.seconds = seconds.count();
    manifest.costs = context.result.costs;
    store::write_manifest(context.folder(), manifest);
    core::log_info(core::concat(spec.id(), ": done in ", static_cast<int>(seconds.count() * 10.0) / 10.0, " s"));
}

}  // namespace alignsweep::kinds
