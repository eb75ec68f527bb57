// SPDX-License-Identifier: Apache-2.0
// The stage kinds. One entry in registry.cpp and one file make a new one.
#pragma once

#include "stages/context.hpp"

#include <vector>

namespace alignsweep::stages {

// Collects, as text, what a kind may depend on.
class Reads {
public:
    Reads(config::Config const& config, std::int64_t seed);

    // Whole sections, by name.
    Reads& sections(std::initializer_list<char const*> names);
    // What the simulated world is drawn from.
    Reads& world();
    // Seeds, by name; each resolved to the trial's seed where it is not set apart.
    Reads& seeds(std::initializer_list<char const*> names);
    // For kinds that run a model without reading its section: the unit of arithmetic and the length limit.
    Reads& model_limits();
    [[nodiscard]] config::Config const& config() const { return config_; }
    [[nodiscard]] std::string const& text() const { return text_; }

private:
    config::Config const& config_;
    std::int64_t seed_;
    std::string text_;
};

struct StageKind {
    std::string name;
    int version;  // of the code: raised whenever a change moves bits
    void (*run)(Context&);
    void (*reads)(Reads&);
    bool is_method;
    // Throws ConfigError for keys that the stage would ignore or cannot act on.
    void (*check)(config::Config const&) = nullptr;
};

[[nodiscard]] std::vector<StageKind> const& stage_kinds();
// Throws std::logic_error for an unknown kind.
[[nodiscard]] StageKind const& stage_kind(std::string const& name);

}  // namespace alignsweep::stages
