// SPDX-License-Identifier: Apache-2.0
#include "stages/reads.hpp"

#include "config/checks.hpp"
#include "config/values.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <sstream>

namespace alignsweep::stages {

Reads& Reads::add(std::string const& section, std::vector<std::string> const& keys, bool only) {
    text_ += core::concat("[", section, "]\n");
    bool const whole = !only && keys.empty();
    if (whole) { names_.insert(section + ".*"); }
    std::istringstream lines(config::canonical(*config_.find(section)));
    for (std::string line; std::getline(lines, line);) {
        std::string const key = line.substr(0, line.find('='));
        if ((std::find(keys.begin(), keys.end(), key) != keys.end()) != only) { continue; }
        text_ += line + '\n';
        if (!whole) { names_.insert(core::concat(section, ".", key)); }
    }
    return *this;
}

Reads& Reads::add_seeds(std::vector<std::string> const& names) {
    for (std::string const& name : names) {
        config::Value const own = config::value_of(config_, "seed", name);
        text_ += core::concat("seed.", name, "=", own.number >= 0.0 ? own.text : std::to_string(seed_), "\n");
        names_.insert("seed." + name);
    }
    return *this;
}

Reads& Reads::world() {
    section<config::WorldConfig>();
    if (config::is_enumerable(config_)) { section<config::EnumerableConfig>(); }
    return seeds(&config::SeedConfig::world);
}

Reads& Reads::gold() { return config::is_enumerable(config_) ? world().unread({"input.corpus"}) : world(); }

Reads& Reads::model_limits() {
    auto const& model = get<config::ModelConfig>();
    text_ += core::concat("model.chunk=", model.chunk, "\nmodel.context=", model.context, "\n");
    names_.insert({"model.chunk", "model.context"});
    return *this;
}

Reads& Reads::bad_rows() {
    if (get<config::DataConfig>().bad_rows != config::BadRows::error) { return keys(&config::DataConfig::bad_rows); }
    names_.insert("data.bad_rows");
    return *this;
}

Reads& Reads::unread(std::initializer_list<char const*> names) {
    unread_.insert(names.begin(), names.end());
    return *this;
}

}  // namespace alignsweep::stages
