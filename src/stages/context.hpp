// SPDX-License-Identifier: Apache-2.0
// What a stage's code works with while it runs.
#pragma once

#include "core/error.hpp"
#include "core/random.hpp"
#include "stages/stage.hpp"
#include "store/metrics.hpp"

#include <chrono>

namespace alignsweep::stages {

class Context {
public:
    Context(StageSpec const& spec_in, StageHost const& host_in)
        : spec(spec_in), config(spec_in.config), host(host_in) {}

    StageSpec const& spec;
    config::Config const& config;
    StageHost const& host;
    StageResult result;
    store::MetricStream curves;

    [[nodiscard]] std::filesystem::path folder() const { return host.stages / spec.id(); }
    [[nodiscard]] bool has_input(std::string const& role) const { return spec.inputs.contains(role); }
    // Folder of the input stage with this role.
    [[nodiscard]] std::filesystem::path input(std::string const& role) const {
        return host.stages / spec.inputs.at(role);
    }
    // A stream of one of the trial's seeds.
    [[nodiscard]] core::RandomStream stream(config::Int config::SeedConfig::*which, std::string const& purpose) const {
        return {seed(which), purpose};
    }
    [[nodiscard]] std::uint64_t seed(config::Int config::SeedConfig::*which) const {
        config::Int const own = config.get<config::SeedConfig>().*which;
        return static_cast<std::uint64_t>(own >= 0 ? own : spec.seed);
    }
    // Sequences that are computed side by side.
    [[nodiscard]] int chunk() const { return static_cast<int>(config.get<config::ModelConfig>().chunk); }
    // Adds a row to the curves and publishes metrics.h5 every few seconds.
    void log(std::int64_t step, std::map<std::string, double> const& metrics);
    // For work that keeps no checkpoint: says how far it is, and throws Stopped where the host asks for it. Nothing is
    // saved; the stage starts again.
    void pass(double share) const {
        host.progress(share);
        if (host.stop_requested()) { throw core::Stopped(); }
    }
    void add_cost(std::string const& name, double amount) { result.costs[name] += amount; }

private:
    std::chrono::steady_clock::time_point published_ = std::chrono::steady_clock::now();
};

}  // namespace alignsweep::stages
