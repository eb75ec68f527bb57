// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace alignsweep::kernels {

// What this copy of the kernels was compiled for: "x86-64", "x86-64-v3", "x86-64-v4", "aarch64", or "device".
[[nodiscard]] std::string instruction_set();

}  // namespace alignsweep::kernels
