// SPDX-License-Identifier: Apache-2.0
#include "stats/prefix_values.hpp"

#include "core/error.hpp"
#include "core/math.hpp"
#include "stats/optimum.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace alignsweep::stats {

namespace {

using world::ResponseTree;

// The value of every context from those of what each next token leads to: a context further on, or a response.
// `combine` takes the log-probabilities of the next tokens and their values.
template <class Combine>
std::vector<double> backwards(ResponseTree const& tree, Numbers next, Numbers reward, Combine combine) {
    auto const contexts = static_cast<std::size_t>(tree.contexts()), tokens = static_cast<std::size_t>(tree.tokens());
    core::check(next.size() == contexts * tokens && reward.size() == static_cast<std::size_t>(tree.responses()),
                "next tokens of ", contexts, " contexts and rewards of ", tree.responses(), " responses");
    std::vector<double> value(contexts), after(tokens);
    for (std::size_t context = contexts; context-- > 0;) {
        after[0] = reward[context];  // the end token
        for (std::size_t letter = 1; letter < tokens; ++letter) {
            auto const child = static_cast<std::size_t>(
                tree.child(static_cast<std::int64_t>(context), static_cast<std::int32_t>(letter)));
            after[letter] = child < contexts ? value[child] : reward[child];
        }
        value[context] = combine(next.subspan(context * tokens, tokens), after);
    }
    return value;
}

// The column less the weighted mean of each row's group.
std::vector<double> centred(Numbers column, Rows const& rows) {
    core::check(rows.weight.size() == column.size() && (rows.group.empty() || rows.group.size() == column.size()),
                "weights and groups of ", column.size(), " rows");
    auto const group_of = [&](std::size_t i) { return rows.group.empty() ? 0 : rows.group[i]; };
    std::map<std::int64_t, std::pair<double, double>> sums;
    for (std::size_t i = 0; i < column.size(); ++i) {
        auto& [sum, weight] = sums[group_of(i)];
        sum += rows.weight[i] * column[i];
        weight += rows.weight[i];
    }
    std::vector<double> result(column.size(), 0.0);
    for (std::size_t i = 0; i < column.size(); ++i) {
        auto const& [sum, weight] = sums[group_of(i)];
        if (weight > 0.0) { result[i] = column[i] - sum / weight; }
    }
    return result;
}

double weighted_product(std::vector<double> const& a, std::vector<double> const& b, Numbers weight) {
    double sum = 0.0, total = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum += weight[i] * a[i] * b[i];
        total += weight[i];
    }
    return total > 0.0 ? sum / total : 0.0;
}

// Rounding leaves some of it where a column is the same everywhere.
bool varies(double variance, Numbers column) {
    double largest = 0.0;
    for (double const value : column) { largest = std::max(largest, std::fabs(value)); }
    return variance > 1e-24 * largest * largest;
}

}  // namespace

std::vector<double> prefix_values(ResponseTree const& tree, Numbers next, Numbers reward) {
    return backwards(tree, next, reward, expectation);
}

std::vector<double> soft_prefix_values(ResponseTree const& tree, Numbers reference, Numbers reward, double beta) {
    return backwards(tree, reference, reward, [&](Numbers logprob, std::vector<double> const& after) {
        double const largest = *std::max_element(after.begin(), after.end());
        double sum = 0.0;
        for (std::size_t token = 0; token < after.size(); ++token) {
            sum += core::math::exp(logprob[token] + (after[token] - largest) / beta);
        }
        return largest + beta * core::math::log(sum);
    });
}

double within_variance(Numbers column, Rows const& rows) {
    auto const rest = centred(column, rows);
    return weighted_product(rest, rest, rows.weight);
}

std::optional<double> within_correlation(Numbers a, Numbers b, Rows const& rows) {
    auto const rest_a = centred(a, rows), rest_b = centred(b, rows);
    double const variance_a = weighted_product(rest_a, rest_a, rows.weight);
    double const variance_b = weighted_product(rest_b, rest_b, rows.weight);
    if (!varies(variance_a, a) || !varies(variance_b, b)) { return std::nullopt; }
    return weighted_product(rest_a, rest_b, rows.weight) / std::sqrt(variance_a * variance_b);
}

}  // namespace alignsweep::stats
