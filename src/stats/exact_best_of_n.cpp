// SPDX-License-Identifier: Apache-2.0
#include "stats/exact_best_of_n.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace alignsweep::stats {

std::vector<double> exact_best_of_n(std::span<double const> reference, std::span<double const> score, std::int64_t n) {
    core::check(n >= 1 && reference.size() == score.size(), "best of ", n, " over ", score.size(), " scores");
    std::vector<std::size_t> order(score.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score[a] < score[b]; });
    std::vector<double> result(score.size());
    auto const power = static_cast<double>(n);
    double below = 0.0;  // G
    for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
        double group = 0.0;
        for (; last < order.size() && score[order[last]] == score[order[first]]; ++last) {
            group += std::exp(reference[order[last]]);
        }
        // log(F^n - G^n), without the difference of two nearly equal numbers; the last group's F is 1 whatever the
        // rounding of the sum.
        double const up_to = last == order.size() ? 1.0 : std::min(1.0, below + group);
        double const share = below > 0.0 ? power * (std::log(below) - std::log(up_to)) : -INFINITY;
        double const mass = power * std::log(up_to) + std::log(-std::expm1(share));
        for (std::size_t i = first; i < last; ++i) {
            result[order[i]] = group > 0.0 ? mass + reference[order[i]] - std::log(group) : -INFINITY;
        }
        below = up_to;
    }
    return result;
}

}  // namespace alignsweep::stats
