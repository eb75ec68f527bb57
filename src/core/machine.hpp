// SPDX-License-Identifier: Apache-2.0
// Which program this is, which every result says; and where and when it runs, which no result may depend on.
#pragma once

#include <string>

namespace alignsweep::core {

[[nodiscard]] std::string version();
// Commit with "-dirty" where the tree differs from it; "unknown" outside of a git checkout.
[[nodiscard]] std::string git_commit();

// The time now, UTC, ISO 8601: 2026-11-28T02:10:00Z.
[[nodiscard]] std::string utc_now();
[[nodiscard]] std::string host_name();
// The processor's model as Linux gives it, or the architecture.
[[nodiscard]] std::string const& processor();

}  // namespace alignsweep::core
