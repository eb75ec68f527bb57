// SPDX-License-Identifier: Apache-2.0
// Alignment by optimal transport in one dimension: the cheapest way from one sample to another of the same size takes
// each number to that of its rank. Melnyk et al., arXiv:2406.05882, section 3.
#include "core/error.hpp"
#include "losses/pair_losses.hpp"

#include <algorithm>
#include <numeric>

namespace alignsweep::losses {

namespace {

std::vector<std::size_t> ascending(std::vector<double> const& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    return order;
}

}  // namespace

std::vector<PairMatch> match_by_rank(PairLossRow const& row, std::vector<PairLogprobs> const& pairs) {
    core::check(row.matched != nullptr, "a loss that matches no pairs: ", row.name);
    std::vector<double> first, second;
    for (PairLogprobs const& at : pairs) {
        auto const numbers = row.matched(at);
        first.push_back(numbers.first);
        second.push_back(numbers.second);
    }
    auto const left = ascending(first), right = ascending(second);
    std::vector<PairMatch> matches(pairs.size());
    for (std::size_t rank = 0; rank < pairs.size(); ++rank) {
        matches[left[rank]].chosen = second[right[rank]];
        matches[right[rank]].rejected = first[left[rank]];
    }
    return matches;
}

}  // namespace alignsweep::losses
