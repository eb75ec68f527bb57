// SPDX-License-Identifier: Apache-2.0
#include "stages/context.hpp"

#include "config/checks.hpp"
#include "stages/descriptor.hpp"

namespace alignsweep::stages {

Context::Context(StageSpec const& spec, StageHost const& host) : spec_(spec), host_(host) {
    Reads reads(spec.config, spec.seed, spec.inputs);
    spec.descriptor->reads(reads);
    declared_ = reads.names();
    for (auto const& [role, id] : spec.inputs) { declared_.insert("input." + role); }
}

void Context::note(std::string const& name) const {
    bool const listed = declared_.contains(name) || declared_.contains(name.substr(0, name.find('.')) + ".*");
    core::check(listed, spec_.kind, " reads ", name, ", which its descriptor does not list");
    read_.insert(name);
}

std::uint64_t Context::seed(config::Int config::SeedConfig::*which) const {
    note("seed." + config::keys_of(which).front());
    config::Int const own = spec_.config.get<config::SeedConfig>().*which;
    return static_cast<std::uint64_t>(own >= 0 ? own : spec_.seed);
}

std::string const& Context::input_id(std::string const& role) const {
    note("input." + role);
    return spec_.inputs.at(role);
}

void Context::log(std::int64_t step, std::map<std::string, double> const& metrics) {
    curves.append(step, {metrics.begin(), metrics.end()});
    std::chrono::duration<double> const since = std::chrono::steady_clock::now() - published_;
    if (since.count() < pace().metrics_seconds) { return; }
    publish_curves();
    published_ = std::chrono::steady_clock::now();
}

void Context::publish_curves() const { curves.publish(folder() / "metrics.h5", spec_.descriptor->metrics); }

bool Context::reads_files() const {
    for (char const* name : {"data.corpus", "data.preferences"}) {
        if (declared_.contains(name)) { note(name); }
    }
    return config::is_real(spec_.config);
}

}  // namespace alignsweep::stages
