// SPDX-License-Identifier: Apache-2.0
// Answers that a model samples in training, and the prompts that it is asked.
#pragma once

#include "infer/sampling.hpp"

#include <functional>
#include <vector>

namespace alignsweep::train {

// The training prompts of the input "feedback" that leave room for an answer.
class Prompts {
public:
    // Throws ConfigError that names the stage's kind where there is none.
    Prompts(stages::Context const& context, config::Int max_new_tokens);

    [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
    // Those of a round, in the order of each epoch, drawn from the stream "<kind>/prompts" of the seed `rollout`. Every
    // round has all its `count` prompts, also where there are fewer: it runs on into the next epoch.
    [[nodiscard]] std::vector<stages::PromptRow const*> ask(std::int64_t round, std::int64_t count) const;

private:
    core::RandomStream order_;
    std::vector<stages::PromptRow> rows_;
};

// One answer a prompt.
struct Answers {
    std::vector<data::Example> examples;  // prompt and answer
    std::vector<model::Completion> completions;

    [[nodiscard]] double length() const;  // tokens of all answers
    [[nodiscard]] double ends() const;    // answers with an end token
};
[[nodiscard]] Answers answer(infer::Transformer& transformer, infer::Weights const& weights,
                             std::vector<stages::Tokens> const& prompts, infer::SamplingPlan const& plan, int chunk,
                             std::function<void(double)> const& passed = nullptr);

[[nodiscard]] std::vector<stages::Tokens> tokens_of(std::vector<stages::PromptRow const*> const& prompts);

}  // namespace alignsweep::train
