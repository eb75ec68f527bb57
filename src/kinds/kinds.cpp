// SPDX-License-Identifier: Apache-2.0
#include "kinds/kinds.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace alignsweep::kinds {

std::vector<stages::Descriptor> const& all() {
    static std::vector<stages::Descriptor> const kinds = describe_all();
    return kinds;
}

stages::Descriptor const& kind(std::string const& name) {
    auto const found = std::find_if(all().begin(), all().end(), [&](auto const& kind) { return kind.name == name; });
    core::check(found != all().end(), "stage kind ", name);
    return *found;
}

std::vector<std::string> const& method_names() {
    static std::vector<std::string> const names = [] {
        std::vector<std::string> methods;
        for (auto const& kind : all()) {
            if (kind.purpose == stages::Purpose::method) { methods.push_back(kind.name); }
        }
        return methods;
    }();
    return names;
}

stages::StageSpec make_stage(std::string const& name, config::Config const& config, std::int64_t seed,
                             std::map<std::string, std::string> inputs) {
    return stages::make_stage(kind(name), config, seed, std::move(inputs));
}

}  // namespace alignsweep::kinds
