// SPDX-License-Identifier: Apache-2.0
#include "train/rollout.hpp"

#include "core/error.hpp"
#include "data/order.hpp"

namespace alignsweep::train {

Prompts::Prompts(stages::Context const& context, config::Int max_new_tokens)
    : order_(context.stream(&config::SeedConfig::rollout, context.kind() + "/prompts")) {
    for (auto& prompt : stages::load_feedback(context.input("feedback")).prompts) {
        auto const length = static_cast<config::Int>(prompt.tokens.size()) + max_new_tokens;
        if (!prompt.heldout && length <= context.get(&config::ModelConfig::context)) {
            rows_.push_back(std::move(prompt));
        }
    }
    if (rows_.empty()) {
        std::string const& kind = context.kind();
        throw core::ConfigError(kind, ": no training prompt leaves room for ", kind,
                                ".max_new_tokens in model.context");
    }
}

std::vector<stages::PromptRow const*> Prompts::ask(std::int64_t round, std::int64_t count) const {
    std::vector<stages::PromptRow const*> asked;
    std::vector<std::int64_t> order;
    for (std::int64_t i = round * count; i < (round + 1) * count; ++i) {
        if (order.empty() || i % size() == 0) {
            order = data::epoch_order(size(), order_, static_cast<std::uint32_t>(i / size()));
        }
        asked.push_back(&rows_[static_cast<std::size_t>(order[static_cast<std::size_t>(i % size())])]);
    }
    return asked;
}

double Answers::length() const {
    double tokens = 0.0;
    for (auto const& completion : completions) { tokens += static_cast<double>(completion.tokens.size()); }
    return tokens;
}

double Answers::ends() const {
    double ends = 0.0;
    for (auto const& completion : completions) { ends += completion.ended ? 1.0 : 0.0; }
    return ends;
}

Answers answer(infer::Transformer& transformer, infer::Weights const& weights,
               std::vector<stages::Tokens> const& prompts, infer::SamplingPlan const& plan, int chunk,
               std::function<void(double)> const& passed) {
    Answers answers;
    answers.completions = infer::sample(transformer, weights, prompts, plan, chunk, passed);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        answers.examples.push_back({prompts[i], answers.completions[i].tokens});
    }
    return answers;
}

std::vector<stages::Tokens> tokens_of(std::vector<stages::PromptRow const*> const& prompts) {
    std::vector<stages::Tokens> tokens;
    for (stages::PromptRow const* prompt : prompts) { tokens.push_back(prompt->tokens); }
    return tokens;
}

}  // namespace alignsweep::train
