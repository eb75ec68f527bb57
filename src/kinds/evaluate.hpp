// SPDX-License-Identifier: Apache-2.0
// The section of evaluate, and how means stand among the metrics.
#pragma once

#include "stages/context.hpp"
#include "stats/mean.hpp"

namespace alignsweep::kinds {

// [evaluate]: the same for the base, the SFT and every aligned model.
struct EvaluateConfig {
    config::Int prompts = 1024, max_new_tokens = 32, documents = 256;
    double temperature = 1.0;

    void fields(config::FieldVisitor& visit) {
        visit("prompts", prompts, {1, 1e7}, "held-out prompts");
        visit("max_new_tokens", max_new_tokens, {1, 65536}, "most tokens of an answer");
        visit("documents", documents, {1, 1e7}, "held-out documents for eval/perplexity");
        visit("temperature", temperature, config::positive, "sampling temperature");
    }
};

// A metric with the ends of its interval.
inline void put_mean(stages::Context& context, std::string const& name, stats::Mean const& mean) {
    auto& metrics = context.result.metrics;
    metrics[name] = mean.mean();
    metrics[name + "_low"] = mean.mean() - mean.half_interval();
    metrics[name + "_high"] = mean.mean() + mean.half_interval();
}

}  // namespace alignsweep::kinds
