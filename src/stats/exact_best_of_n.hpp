// SPDX-License-Identifier: Apache-2.0
// Best-of-n sampling over responses that can all be listed, exactly. Beirami et al., arXiv:2401.01879, section 3.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::stats {

// Log-probability of each response under: draw n from `reference` (log-probabilities that add up to 1), take the one
// of the highest score, the first drawn where several are. With F the mass of all scores up to a response's and G that
// of the lower ones, the responses of its score share F^n - G^n in proportion to their probability. -infinity where a
// probability is 0 (or too small for a double).
[[nodiscard]] std::vector<double> exact_best_of_n(std::span<double const> reference, std::span<double const> score,
                                                  std::int64_t n);

}  // namespace alignsweep::stats
