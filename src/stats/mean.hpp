// SPDX-License-Identifier: Apache-2.0
// Means over prompts with their uncertainty.
#pragma once

#include <cmath>
#include <cstdint>

namespace alignsweep::stats {

// Mean and variance of a stream of numbers (Welford, Technometrics 1962).
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
    // Half of the 95 % interval, normal approximation (prompts are many).
    [[nodiscard]] double half_interval() const { return 1.959963984540054 * error(); }
    // The mean over its standard error; 0 where all numbers are equal.
    [[nodiscard]] double t() const { return error() > 0.0 ? mean_ / error() : 0.0; }

private:
    std::int64_t count_ = 0;
    double mean_ = 0.0, squares_ = 0.0;
};

}  // namespace alignsweep::stats
