// SPDX-License-Identifier: Apache-2.0
// Best of n: no training; of n samples of the SFT model the proxy reward picks one. Gao et al., arXiv:2210.10760.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::stats {

using Numbers = std::span<double const>;

// Picks for each prompt the sample with the highest score; of equals the first.
class BestOfN {
public:
    // The scores of one sample more of every prompt. Returns the prompts whose best so far it is.
    [[nodiscard]] std::vector<std::size_t> offer(Numbers scores);

private:
    std::vector<double> best_;
};

// log n - (n - 1) / n, nats a sequence: the KL from the sampled model to the best of its n samples is at most this
// (Beirami et al., arXiv:2401.01879), and comes near it where no two samples are equal.
[[nodiscard]] double best_of_n_kl_bound(std::int64_t n);

// Best-of-n sampling over responses that can all be listed, exactly. Beirami et al., arXiv:2401.01879, section 3.
//
// Log-probability of each response under: draw n from `reference` (log-probabilities that add up to 1), take the one
// of the highest score, the first drawn where several are. With F the mass of all scores up to a response's and G that
// of the lower ones, the responses of its score share F^n - G^n in proportion to their probability. -infinity where a
// probability is 0 (or too small for a double).
[[nodiscard]] std::vector<double> exact_best_of_n(Numbers reference, Numbers score, std::int64_t n);

}  // namespace alignsweep::stats
