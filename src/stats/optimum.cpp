// SPDX-License-Identifier: Apache-2.0
#include "stats/optimum.hpp"

#include "core/math.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace alignsweep::stats {

double total_probability(Numbers logprob) {
    double sum = 0.0;
    for (double const l : logprob) { sum += core::math::exp(l); }
    return sum;
}

double expectation(Numbers logprob, Numbers value) {
    double sum = 0.0;
    for (std::size_t i = 0; i < logprob.size(); ++i) { sum += core::math::exp(logprob[i]) * value[i]; }
    return sum;
}

double kl_divergence(Numbers p, Numbers q) {
    double sum = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        double const probability = core::math::exp(p[i]);
        if (probability > 0.0) { sum += probability * (p[i] - q[i]); }
    }
    return sum;
}

double regularised_objective(Numbers policy, Numbers reference, Numbers reward, double beta) {
    return expectation(policy, reward) - beta * kl_divergence(policy, reference);
}

Optimum regularised_optimum(Numbers reference, Numbers reward, double beta) {
    Optimum optimum{std::vector<double>(reference.size()), 0.0};
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < reference.size(); ++i) {
        optimum.logprob[i] = reference[i] + reward[i] / beta;
        largest = std::max(largest, optimum.logprob[i]);
    }
    double sum = 0.0;
    for (double const l : optimum.logprob) { sum += core::math::exp(l - largest); }
    double const log_z = largest + core::math::log(sum);
    for (double& l : optimum.logprob) { l -= log_z; }
    optimum.objective = beta * log_z;
    return optimum;
}

double win_probability(Numbers p, Numbers q, Numbers value) {
    std::vector<std::size_t> order(value.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value[a] < value[b]; });
    double wins = 0.0, below = 0.0;  // below: mass of q at smaller values
    for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
        double mine = 0.0, theirs = 0.0;
        for (; last < order.size() && value[order[last]] == value[order[first]]; ++last) {
            mine += core::math::exp(p[order[last]]);
            theirs += core::math::exp(q[order[last]]);
        }
        wins += mine * (below + 0.5 * theirs);
        below += theirs;
    }
    return wins;
}

Recovery reward_recovery(Numbers recovered, Numbers gold, Numbers weights) {
    std::vector<double> difference(gold.size());
    for (std::size_t i = 0; i < gold.size(); ++i) { difference[i] = recovered[i] - gold[i]; }
    auto const variance = [&](Numbers value) {
        double const mean = expectation(weights, value);
        double sum = 0.0;
        for (std::size_t i = 0; i < value.size(); ++i) {
            sum += core::math::exp(weights[i]) * (value[i] - mean) * (value[i] - mean);
        }
        return sum;
    };
    return {variance(difference), variance(gold)};
}

}  // namespace alignsweep::stats
