// SPDX-License-Identifier: Apache-2.0
// The world whose responses can all be listed as a source.
#pragma once

#include "sources/source.hpp"

namespace alignsweep::sources {

class EnumerableWorld final : public Source {
public:
    explicit EnumerableWorld(stages::Context& context)
        : Source(context),
          world_(context.config.get<config::EnumerableConfig>(), context.seed(&config::SeedConfig::world)) {}

    // Documents for pre-training and answers for SFT, both drawn from the corpus' own next-token distribution.
    [[nodiscard]] stages::CorpusData corpus() const override;
    // feedback.prompts questions, the prompts in turn, each answered twice by the SFT model. Labels are Bradley-Terry
    // on the gold reward at feedback.choice_temperature, flipped with probability feedback.flip; nobody has weights of
    // their own or a bias. Thumbs come from the drawn choices, whatever feedback.labels.
    [[nodiscard]] stages::FeedbackData feedback() const override;
    // All prompts: none is held out.
    [[nodiscard]] std::vector<stages::PromptRow> exam(config::Int count) const override;
    [[nodiscard]] std::vector<double> judge(std::vector<stages::PromptRow> const& exam,
                                            std::vector<model::Completion> const& answers) const override;
    [[nodiscard]] double gold(stages::PromptRow const& prompt, stages::Tokens const& completion,
                              bool /*ended*/) const override {
        return world_.reward(prompt.subject, completion);
    }
    [[nodiscard]] world::Enumerable const* listed() const override { return &world_; }

private:
    world::Enumerable world_;
};

}  // namespace alignsweep::sources
