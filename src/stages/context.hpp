// SPDX-License-Identifier: Apache-2.0
// What a stage's code works with while it runs. Of configuration, seeds and inputs it gives what the kind's descriptor
// lists, and refuses the rest.
#pragma once

#include "core/error.hpp"
#include "core/random.hpp"
#include "stages/reads.hpp"
#include "stages/stage.hpp"
#include "store/metrics.hpp"

#include <chrono>

namespace alignsweep::stages {

class Context {
public:
    Context(StageSpec const& spec, StageHost const& host);

    // A whole section. This and the next four throw std::logic_error for what the descriptor does not list.
    template <class Section>
    [[nodiscard]] Section const& section() const {
        note(config::name_of<Section>(spec_.config) + ".*");
        return spec_.config.get<Section>();
    }
    // A key, or a group of keys.
    template <class Section, class Member>
    [[nodiscard]] Member const& get(Member Section::*member) const {
        std::string const section = config::name_of<Section>(spec_.config) + ".";
        for (std::string const& key : config::keys_of(member)) { note(section + key); }
        return spec_.config.get<Section>().*member;
    }
    // A stream of one of the trial's seeds.
    [[nodiscard]] core::RandomStream stream(config::Int config::SeedConfig::*which, std::string const& purpose) const {
        return {seed(which), purpose};
    }
    [[nodiscard]] std::uint64_t seed(config::Int config::SeedConfig::*which) const;
    // Folder of the input stage with this role; its name.
    [[nodiscard]] std::filesystem::path input(std::string const& role) const { return host_.stages / input_id(role); }
    [[nodiscard]] std::string const& input_id(std::string const& role) const;
    [[nodiscard]] bool has_input(std::string const& role) const { return spec_.inputs.contains(role); }
    // Whether files stand in for the simulated world. The inputs of every stage differ with it, so a kind need not list
    // it; data.corpus and data.preferences count as read where it does.
    [[nodiscard]] bool reads_files() const;
    // Sequences of a chunk, the unit of arithmetic: model.chunk.
    [[nodiscard]] int chunk() const { return static_cast<int>(get(&config::ModelConfig::chunk)); }

    [[nodiscard]] std::string const& kind() const { return spec_.kind; }
    [[nodiscard]] std::filesystem::path folder() const { return host_.stages / spec_.id(); }
    // How a run goes; no bit depends on it.
    [[nodiscard]] config::RunConfig const& pace() const { return spec_.config.get<config::RunConfig>(); }
    [[nodiscard]] bool stop_requested() const { return host_.stop_requested(); }
    void progress(double share) const { host_.progress(share); }
    // For work that keeps no checkpoint: says how far it is, and throws Stopped where the host asks for it. Nothing is
    // saved; the stage starts again.
    void pass(double share) const {
        progress(share);
        if (stop_requested()) { throw core::Stopped(); }
    }

    // Adds a row to the curves and publishes metrics.h5 every few seconds.
    void log(std::int64_t step, std::map<std::string, double> const& metrics);
    void publish_curves() const;
    void add_cost(std::string const& name, double amount) { result.costs[name] += amount; }

    StageResult result;
    store::MetricStream curves;

    // What the descriptor lists, and what of it has been read.
    [[nodiscard]] Names const& declared() const { return declared_; }
    [[nodiscard]] Names const& read() const { return read_; }

private:
    void note(std::string const& name) const;

    StageSpec const& spec_;
    StageHost const& host_;
    Names declared_;
    mutable Names read_;
    std::chrono::steady_clock::time_point published_ = std::chrono::steady_clock::now();
};

}  // namespace alignsweep::stages
