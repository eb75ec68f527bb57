// SPDX-License-Identifier: Apache-2.0
// Which program this is; in every result.
#pragma once

#include <string>

namespace alignsweep::core {

[[nodiscard]] std::string version();
// Commit with "-dirty" where the tree differs from it; "unknown" outside of a git checkout.
[[nodiscard]] std::string git_commit();

}  // namespace alignsweep::core
