// SPDX-License-Identifier: Apache-2.0
// What a kind of stage reads of the configuration and of the trial's seeds. The list is hashed into the identity of its
// stages, and is all that its code can get (context.hpp).
#pragma once

#include "config/schema.hpp"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::stages {

// "rlhf.*" is a whole section, "model.chunk" a key, "seed.train" a seed, "input.sft" an input stage.
using Names = std::set<std::string>;

class Reads {
public:
    // `inputs`: by role.
    Reads(config::Config const& config, std::int64_t seed, std::map<std::string, std::string> const& inputs)
        : config_(config), seed_(seed), inputs_(inputs) {}

    // A whole section; all of one but for some keys; some keys alone.
    template <class Section>
    Reads& section() {
        return add(config::name_of<Section>(config_), {}, false);
    }
    template <class Section, class... Members>
    Reads& section_but(Members Section::*... members) {
        return add(config::name_of<Section>(config_), config::keys_of(members...), false);
    }
    template <class Section, class... Members>
    Reads& keys(Members Section::*... members) {
        return add(config::name_of<Section>(config_), config::keys_of(members...), true);
    }
    // Seeds: each the trial's own, unless [seed] sets another.
    template <class... Seeds>
    Reads& seeds(Seeds config::SeedConfig::*... seeds) {
        return add_seeds(config::keys_of(seeds...));
    }
    // What the simulated world is drawn from.
    Reads& world();
    // That, for the gold reward of answers, which in the text world is read from the input `corpus` as well.
    Reads& gold();
    // For kinds that run a model without reading its section: the unit of arithmetic and the length limit.
    Reads& model_limits();
    // data.bad_rows. Where no row may be bad, the result is that of before there was a choice, and so is the identity.
    Reads& bad_rows();
    // Of the names given so far, or of the inputs, those that this configuration leaves unread. They stay in the
    // identity until the kind's version is raised for another reason.
    Reads& unread(std::initializer_list<char const*> names);

    // What a kind reads may depend on what it has read.
    [[nodiscard]] config::Config const& config() const { return config_; }
    template <class Section>
    [[nodiscard]] Section const& get() const {
        return config_.get<Section>();
    }
    [[nodiscard]] bool has_input(std::string const& role) const { return inputs_.contains(role); }
    [[nodiscard]] std::string const& text() const { return text_; }
    [[nodiscard]] Names const& names() const { return names_; }
    [[nodiscard]] Names const& unread() const { return unread_; }

private:
    Reads& add(std::string const& section, std::vector<std::string> const& keys, bool only);
    Reads& add_seeds(std::vector<std::string> const& names);

    config::Config const& config_;
    std::int64_t seed_;
    std::map<std::string, std::string> const& inputs_;
    std::string text_;
    Names names_, unread_;
};

}  // namespace alignsweep::stages
