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

std::vector<PairMatch> match_by_rank(PairLossKind kind, std::vector<PairLogprobs> const& pairs) {
    core::check(is_matched(kind), "a loss that matches no pairs: ", pair_loss_name(kind));
    std::vector<double> policy, reference;  // aot: margins of the two models; aot_unpaired: c' and r'
    for (PairLogprobs const& at : pairs) {
        bool const paired = kind == PairLossKind::aot;
        policy.push_back(at.chosen - (paired ? at.rejected : at.chosen_reference));
        reference.push_back(paired ? at.chosen_reference - at.rejected_reference : at.rejected - at.rejected_reference);
    }
    auto const left = ascending(policy), right = ascending(reference);
    std::vector<PairMatch> matches(pairs.size());
    for (std::size_t rank = 0; rank < pairs.size(); ++rank) {
        matches[left[rank]].chosen = reference[right[rank]];
        matches[right[rank]].rejected = policy[left[rank]];
    }
    return matches;
}

}  // namespace alignsweep::losses
