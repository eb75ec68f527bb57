// SPDX-License-Identifier: Apache-2.0
#include "stats/best_of_n.hpp"

#include "core/error.hpp"
#include "core/math.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace alignsweep::stats {

std::vector<std::size_t> BestOfN::offer(Numbers scores) {
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
    return core::math::log(samples) - (samples - 1.0) / samples;
}

std::vector<double> exact_best_of_n(Numbers reference, Numbers score, std::int64_t n) {
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
            group += core::math::exp(reference[order[last]]);
        }
        // log(F^n - G^n), without the difference of two nearly equal numbers; the last group's F is 1 whatever the
        // rounding of the sum.
        double const up_to = last == order.size() ? 1.0 : std::min(1.0, below + group);
        double const share = below > 0.0 ? power * (core::math::log(below) - core::math::log(up_to)) : -INFINITY;
        double const mass = power * core::math::log(up_to) + core::math::log(-core::math::expm1(share));
        for (std::size_t i = first; i < last; ++i) {
            result[order[i]] = group > 0.0 ? mass + reference[order[i]] - core::math::log(group) : -INFINITY;
        }
        below = up_to;
    }
    return result;
}

}  // namespace alignsweep::stats
