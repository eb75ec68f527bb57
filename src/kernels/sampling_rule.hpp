// SPDX-License-Identifier: Apache-2.0
// How the next token is chosen from its distribution. No Kokkos here: those who ask for samples see only this.
#pragma once

#include <cstdint>

namespace alignsweep::kernels {

struct SamplingRule {
    double temperature = 1.0;  // 0: the most probable token (the smallest id among equals)
    std::int32_t top_k = 0;    // only tokens at least as probable as the k-th; 0: all. Ties at the threshold stay in.
    double top_p = 1.0;        // only the smallest set of most probable tokens whose mass reaches p
                               // (Holtzman et al., arXiv:1904.09751, section 3.1); ties at the threshold stay in
};

}  // namespace alignsweep::kernels
