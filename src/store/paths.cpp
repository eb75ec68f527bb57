// SPDX-License-Identifier: Apache-2.0
#include "store/paths.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <unordered_set>

namespace alignsweep::store {

std::string path_defect(std::string_view name) {
    auto const printable = [](char c) { return c > ' ' && c < 0x7f; };
    if (!std::all_of(name.begin(), name.end(), printable)) { return "only printable ASCII without spaces is allowed"; }
    for (std::size_t begin = 0; begin <= name.size();) {
        std::size_t const end = std::min(name.find('/', begin), name.size());
        std::string_view const part = name.substr(begin, end - begin);
        if (part.empty() || part == "." || part == "..") { return core::concat("the part '", part, "' is not a name"); }
        begin = end + 1;
    }
    return {};
}

std::vector<std::string> paths_above(std::string_view path) {
    std::vector<std::string> above;
    for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
        above.emplace_back(path.substr(0, slash));
    }
    return above;
}

std::string prefix_clash(std::vector<std::string> const& names) {
    std::unordered_set<std::string> const all(names.begin(), names.end());
    for (std::string const& name : names) {
        for (std::string const& above : paths_above(name)) {
            if (all.contains(above)) { return core::concat("'", above, "' is a prefix path of '", name, "'"); }
        }
    }
    return {};
}

}  // namespace alignsweep::store
