// SPDX-License-Identifier: Apache-2.0
#include "stats/best_of_n.hpp"

#include "core/error.hpp"

#include <cmath>
#include <numeric>

namespace alignsweep::stats {

std::vector<std::size_t> BestOfN::offer(std::span<double const> scores) {
    std::vector<std::size_t> better;
    if (best_.empty()) {
        best_.assign(scores.begin(), scores.end());
        better.resize(scores.size());
        std::iota(better.begin(), better.end(), 0);
        return better;
    }
    core::check(scores.size() == best_.size(), "one score a prompt");
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (!(scores[i] > best_[i])) { continue; }
        best_[i] = scores[i];
        better.push_back(i);
    }
    return better;
}

double best_of_n_kl_bound(std::int64_t n) {
    auto const samples = static_cast<double>(n);
    return std::log(samples) - (samples - 1.0) / samples;
}

}  // namespace alignsweep::stats
