// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace alignsweep::config {

Section const* Config::find(std::string_view name) const {
    auto const found =
        std::find_if(sections_.begin(), sections_.end(), [&](auto const& s) { return s.name() == name; });
    return found == sections_.end() ? nullptr : &*found;
}

Section* Config::find(std::string_view name) {
    auto const found =
        std::find_if(sections_.begin(), sections_.end(), [&](auto const& s) { return s.name() == name; });
    return found == sections_.end() ? nullptr : &*found;
}

void Config::throw_missing(char const* type) { throw std::logic_error(core::concat("no section ", type)); }

}  // namespace alignsweep::config
