// SPDX-License-Identifier: Apache-2.0
// Names inside HDF5 files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::store {

// Why `name` ("eval/gold_reward") can't be a relative HDF5 path, or empty: every part between slashes must be of
// printable ASCII without spaces, not empty, not "." and not "..".
[[nodiscard]] std::string path_defect(std::string_view name);

// The paths above `path`, outermost first: "/a/b/c" gives "/a", "/a/b"; "a/b" gives "a".
[[nodiscard]] std::vector<std::string> paths_above(std::string_view path);

// "a is a prefix path of a/b" where that holds for two of the names, or empty. HDF5 can't hold a dataset and a group
// under one name.
[[nodiscard]] std::string prefix_clash(std::vector<std::string> const& names);

}  // namespace alignsweep::store
