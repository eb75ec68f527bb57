// SPDX-License-Identifier: Apache-2.0
// Metrics of one step, added up chunk by chunk in order.
#pragma once

#include <map>
#include <string>

namespace alignsweep::losses {

// Each metric is a weighted mean (a mean over tokens adds its tokens' sum with their count as weight) or the least or
// largest value of the step.
class MetricSums {
public:
    void add(std::string const& name, double sum, double weight) {
        auto& [total, total_weight] = sums_[name];
        total += sum;
        total_weight += weight;
    }
    void add_least(std::string const& name, double value) {
        auto const [entry, is_new] = extremes_.emplace(name, value);
        if (!is_new && !(entry->second <= value)) { entry->second = value; }
    }
    void add_largest(std::string const& name, double value) {
        auto const [entry, is_new] = extremes_.emplace(name, value);
        if (!is_new && !(entry->second >= value)) { entry->second = value; }
    }
    // name -> value; means of weight 0 are left out (a batch without the class that they are about).
    [[nodiscard]] std::map<std::string, double> values() const {
        std::map<std::string, double> result = extremes_;
        for (auto const& [name, sum] : sums_) {
            if (sum.second > 0.0) { result[name] = sum.first / sum.second; }
        }
        return result;
    }

private:
    std::map<std::string, std::pair<double, double>> sums_;
    std::map<std::string, double> extremes_;
};

}  // namespace alignsweep::losses
