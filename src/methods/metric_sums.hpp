// SPDX-License-Identifier: Apache-2.0
// Metrics of one step, added up chunk by chunk in order.
#pragma once

#include <map>
#include <string>

namespace alignsweep::methods {

// Each metric is a weighted mean: a mean over tokens adds its tokens' sum with their count as weight.
class MetricSums {
public:
    void add(std::string const& name, double sum, double weight) {
        auto& [total, total_weight] = sums_[name];
        total += sum;
        total_weight += weight;
    }
    // name -> mean; metrics of weight 0 are left out (a batch without the class that they are about).
    [[nodiscard]] std::map<std::string, double> means() const {
        std::map<std::string, double> result;
        for (auto const& [name, sum] : sums_) {
            if (sum.second > 0.0) { result[name] = sum.first / sum.second; }
        }
        return result;
    }

private:
    std::map<std::string, std::pair<double, double>> sums_;
};

}  // namespace alignsweep::methods
