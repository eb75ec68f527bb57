// SPDX-License-Identifier: Apache-2.0
// The section of evaluate, how means stand among the metrics, and the enumerable world's sums over every response.
#pragma once

#include "core/math.hpp"
#include "infer/models.hpp"
#include "stages/artifacts.hpp"
#include "stages/descriptor.hpp"
#include "stats/mean.hpp"
#include "world/enumerable.hpp"

#include <cmath>

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

// A metric with the ends of its interval: a number for each answer, clustered by its prompt.
inline void put_mean(stages::Context& context, std::string const& name, std::vector<data::Example> const& answers,
                     std::vector<double> const& values) {
    stats::ClusteredMean mean;
    for (std::size_t i = 0; i < values.size(); ++i) { mean.add(values[i], answers[i].prompt); }
    auto& metrics = context.result.metrics;
    metrics[name] = mean.mean();
    metrics[name + "_low"] = mean.mean() - mean.half_interval();
    metrics[name + "_high"] = mean.mean() + mean.half_interval();
}

// Every response to every prompt with its exact probability under the model: a policy as it is or, with state
// "best_of_n", the best of n by the reward model of the input "reward_model". Puts exact metrics into the context; with
// state "beta" also the distance to the optimum at that beta.
[[nodiscard]] stages::AnswersData evaluate_exactly(stages::Context& context, world::Enumerable const& world,
                                                   infer::Transformer& transformer, infer::StoredModel const& model);

// next[context * tokens + token]: log-probability of each next token after a prompt and each context of the tree,
// normalised in double.
[[nodiscard]] std::vector<double> next_logprobs(infer::Transformer& transformer, infer::Weights const& weights,
                                                world::ResponseTree const& tree, stages::Tokens const& prompt,
                                                int chunk);

inline void append(std::vector<double>& to, std::vector<double> const& from) {
    to.insert(to.end(), from.begin(), from.end());
}

// Tokens of all responses of the enumerable world with their prompts, once: for estimates.
inline double all_responses(config::Config const& config, stages::Lengths const& lengths) {
    auto const& world = config.get<config::EnumerableConfig>();
    return static_cast<double>(world.prompts) * core::math::pow(static_cast<double>(world.tokens - 1), lengths.answer) *
           lengths.example;
}

}  // namespace alignsweep::kinds
