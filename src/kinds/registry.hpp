// SPDX-License-Identifier: Apache-2.0
// The stage kinds. One entry in registry.cpp and one file make a new one.
#pragma once

#include "kinds/kinds.hpp"
#include "stages/context.hpp"

#include <string_view>
#include <vector>

namespace alignsweep::kinds {

// Collects, as text, what a kind may depend on.
class Reads {
public:
    Reads(config::Config const& config, std::int64_t seed);

    // Whole sections, by name.
    Reads& sections(std::initializer_list<char const*> names);
    // What the simulated world is drawn from.
    Reads& world();
    // A section but for some of its keys, or only some of them.
    Reads& section_without(char const* section, std::initializer_list<std::string_view> keys);
    Reads& keys(char const* section, std::initializer_list<std::string_view> keys);
    // Seeds, by name; each resolved to the trial's seed where it is not set apart.
    Reads& seeds(std::initializer_list<char const*> names);
    // For kinds that run a model without reading its section: the unit of arithmetic and the length limit.
    Reads& model_limits();
    [[nodiscard]] std::string const& text() const { return text_; }
    // What a kind reads may hang on what it has read.
    [[nodiscard]] config::Config const& config() const { return config_; }

private:
    // The lines "key=value" of a section whose keys `wanted` takes.
    template <class Wanted>
    Reads& add(char const* section, Wanted&& wanted);

    config::Config const& config_;
    std::int64_t seed_;
    std::string text_;
};

struct StageKind {
    std::string name;
    int version;  // of the code: raised whenever a change moves bits
    void (*run)(stages::Context&);
    void (*reads)(Reads&);
    bool is_method;
    // Throws ConfigError for keys that the stage would ignore or cannot act on.
    void (*check)(config::Config const&) = nullptr;
    // Roles of the models that a method holds at once, in training or, where it trains none, in use; null: the policy.
    std::vector<std::string> (*models)(config::Config const&) = nullptr;
};

[[nodiscard]] std::vector<StageKind> const& stage_kinds();
// Throws std::logic_error for an unknown kind.
[[nodiscard]] StageKind const& stage_kind(std::string const& name);

}  // namespace alignsweep::kinds
