// SPDX-License-Identifier: Apache-2.0
// What an unfinished answer is worth. The contexts and responses are those of an enumerable tree; next[context * tokens
// + token] is the log-probability of each next token, reward[response] what each finished response is worth.
#pragma once

#include "world/enumerable.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace alignsweep::stats {

using Numbers = std::span<double const>;

// V(context) = E[reward | context], the model going on from there.
[[nodiscard]] std::vector<double> prefix_values(world::ResponseTree const& tree, Numbers next, Numbers reward);

// V*(context) = beta log E[exp(reward / beta) | context] under the reference: the value of the soft-optimal policy,
// whose every token has beta log(pi* / ref) = V* after it - V* before it (Rafailov et al., arXiv:2404.12358,
// section 4; a finished response is worth its reward). At the root it is the largest objective, beta log Z.
[[nodiscard]] std::vector<double> soft_prefix_values(world::ResponseTree const& tree, Numbers reference, Numbers reward,
                                                     double beta);

// Rows that are compared: their weights, and the groups within which they are (empty: all together).
struct Rows {
    Numbers weight;
    std::span<std::int64_t const> group;
};
// Mean square of the column after each group's mean is taken away; 0 without rows.
[[nodiscard]] double within_variance(Numbers column, Rows const& rows);
// Correlation of two columns, each less its mean over the group: the root of the share of variance that the best line
// explains, with one slope and an intercept a group. Nothing where a column has no variance.
[[nodiscard]] std::optional<double> within_correlation(Numbers a, Numbers b, Rows const& rows);

}  // namespace alignsweep::stats
