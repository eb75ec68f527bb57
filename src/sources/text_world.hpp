// SPDX-License-Identifier: Apache-2.0
// The simulated world of texts as a source.
#pragma once

#include "sources/source.hpp"

namespace alignsweep::sources {

class TextWorld final : public Source {
public:
    // From the world's sections and seed.world; all but `corpus` also needs the tokenizer of the input "corpus".
    explicit TextWorld(stages::Context& context);

    [[nodiscard]] stages::CorpusData corpus() const override;
    [[nodiscard]] stages::FeedbackData feedback() const override;
    [[nodiscard]] std::vector<stages::PromptRow> exam(config::Int count) const override;
    // Metrics: eval/gold/<value> and eval/behaviour/<what>.
    [[nodiscard]] std::vector<double> judge(std::vector<stages::PromptRow> const& exam,
                                            std::vector<model::Completion> const& answers) const override;
    [[nodiscard]] double gold(stages::PromptRow const& prompt, stages::Tokens const& completion,
                              bool ended) const override;
    [[nodiscard]] world::Values values(stages::PromptRow const& prompt, stages::Tokens const& completion,
                                       bool ended) const override;
    [[nodiscard]] std::vector<Refusals> refusals() const override;

    // A prompt that stands in a table, and the text of an answer.
    [[nodiscard]] world::Prompt prompt_of(stages::PromptRow const& row) const;
    [[nodiscard]] std::string text_of(model::Completion const& answer) const {
        return tokenizer_.decode(answer.tokens);
    }

private:
    [[nodiscard]] stages::PromptRow row_of(world::Prompt const& prompt, bool heldout) const;

    world::World world_;
    data::Tokenizer tokenizer_;
};

}  // namespace alignsweep::sources
