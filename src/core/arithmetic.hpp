// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace alignsweep::core {

// portable: one order of operations, so the same bits on every processor and device. fast: matrix products by the
// vendor's library, with bits that hold for one machine.
enum class Arithmetic { portable, fast };

}  // namespace alignsweep::core
