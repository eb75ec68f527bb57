// SPDX-License-Identifier: Apache-2.0
#include "stats/diversity.hpp"

#include "core/math.hpp"

#include <algorithm>

namespace alignsweep::stats {

namespace {

constexpr std::int64_t fewest_of_a_kind = 20;

double largest_share(std::map<Diversity::Tokens, std::int64_t> const& counts, std::int64_t total) {
    std::int64_t most = 0;
    for (auto const& [answer, count] : counts) { most = std::max(most, count); }
    return total > 0 ? static_cast<double>(most) / static_cast<double>(total) : 0.0;
}

}  // namespace

void Diversity::add(int kind, Tokens const& answer, bool refusal) {
    ++count_;
    ++asked_[kind];
    ++all_[answer];
    if (refusal) { return; }
    ++answers_[answer];
    ++by_kind_[kind][answer];
}

double Diversity::distinct() const {
    return count_ > 0 ? static_cast<double>(all_.size()) / static_cast<double>(count_) : 0.0;
}

double Diversity::entropy() const {
    double sum = 0.0;
    for (auto const& [answer, count] : all_) {
        double const share = static_cast<double>(count) / static_cast<double>(count_);
        sum -= share * core::math::log(share);
    }
    return sum;
}

double Diversity::modal_share() const { return largest_share(answers_, count_); }

double Diversity::modal_share_of_kind() const {
    double most = 0.0;
    for (auto const& [kind, counts] : by_kind_) {
        if (asked_.at(kind) >= fewest_of_a_kind) { most = std::max(most, largest_share(counts, asked_.at(kind))); }
    }
    return most;
}

}  // namespace alignsweep::stats
