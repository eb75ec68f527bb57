// SPDX-License-Identifier: Apache-2.0
// Best of n: no training; of n samples of the SFT model the proxy reward picks one. Gao et al., arXiv:2210.10760.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::stats {

// Picks for each prompt the sample with the highest score; of equals the first.
class BestOfN {
public:
    // The scores of one sample more of every prompt. Returns the prompts whose best so far it is.
    [[nodiscard]] std::vector<std::size_t> offer(std::span<double const> scores);

private:
    std::vector<double> best_;
};

// log n - (n - 1) / n, nats a sequence: the KL from the sampled model to the best of its n samples is at most this
// (Beirami et al., arXiv:2401.01879), and comes near it where no two samples are equal.
[[nodiscard]] double best_of_n_kl_bound(std::int64_t n);

}  // namespace alignsweep::stats
