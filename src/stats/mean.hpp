// SPDX-License-Identifier: Apache-2.0
// Means, and their uncertainty over prompts.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

namespace alignsweep::stats {

// Mean and variance of a stream of independent numbers (Welford, Technometrics 1962).
class Mean {
public:
    void add(double value) {
        ++count_;
        double const change = value - mean_;
        mean_ += change / static_cast<double>(count_);
        squares_ += change * (value - mean_);
    }
    [[nodiscard]] std::int64_t count() const { return count_; }
    [[nodiscard]] double mean() const { return mean_; }
    // Standard error of the mean; 0 for fewer than two numbers.
    [[nodiscard]] double error() const {
        auto const n = static_cast<double>(count_);
        return count_ < 2 ? 0.0 : std::sqrt(squares_ / (n - 1.0) / n);
    }

private:
    std::int64_t count_ = 0;
    double mean_ = 0.0, squares_ = 0.0;
};

// Mean of numbers that come in clusters, between which alone they are independent: answers to equal prompts are alike,
// and count for less than answers to different ones. The variance of the mean is that of the clusters' summed
// residuals, G / (G - 1) sum_g (sum_{i in g} (x_i - mean))^2 / n^2 (Liang and Zeger, Biometrika 1986, for a mean; with
// clusters of one it is the usual one).
class ClusteredMean {
public:
    using Cluster = std::vector<std::int32_t>;  // the prompt's tokens

    void add(double value, Cluster const& cluster) {
        Sum& sum = clusters_[cluster];
        ++sum.count;
        sum.total += value;
        mean_.add(value);
    }
    [[nodiscard]] std::int64_t clusters() const { return static_cast<std::int64_t>(clusters_.size()); }
    [[nodiscard]] double mean() const { return mean_.mean(); }
    // Standard error of the mean; 0 for fewer than two clusters.
    [[nodiscard]] double error() const {
        auto const groups = static_cast<double>(clusters_.size()), n = static_cast<double>(mean_.count());
        if (clusters_.size() < 2) { return 0.0; }
        double squares = 0.0;
        for (auto const& [cluster, sum] : clusters_) {
            double const residual = sum.total - static_cast<double>(sum.count) * mean();
            squares += residual * residual;
        }
        return std::sqrt(groups / (groups - 1.0) * squares) / n;
    }
    // Half of the 95 % interval, normal approximation (prompts are many).
    [[nodiscard]] double half_interval() const { return 1.959963984540054 * error(); }
    // The mean over its standard error; 0 where there is none.
    [[nodiscard]] double t() const { return error() > 0.0 ? mean() / error() : 0.0; }

private:
    struct Sum {
        std::int64_t count = 0;
        double total = 0.0;
    };
    std::map<Cluster, Sum> clusters_;
    Mean mean_;
};

}  // namespace alignsweep::stats
