// SPDX-License-Identifier: Apache-2.0
// Where and when this process runs. No result may depend on any of it.
#pragma once

#include <string>

namespace alignsweep::core {

// The time now, UTC, ISO 8601: 2026-11-28T02:10:00Z.
[[nodiscard]] std::string utc_now();
[[nodiscard]] std::string host_name();
// The processor's model as Linux gives it, or the architecture.
[[nodiscard]] std::string const& processor();

}  // namespace alignsweep::core
