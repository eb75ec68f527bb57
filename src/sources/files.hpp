// SPDX-License-Identifier: Apache-2.0
// Text and JSON files as a source.
#pragma once

#include "data/jsonl.hpp"
#include "sources/source.hpp"

namespace alignsweep::sources {

class Files final : public Source {
public:
    explicit Files(stages::Context& context) : Source(context) {}

    [[nodiscard]] stages::CorpusData corpus() const override;
    // Completions are tokenised, rows that do not fit follow data.too_long. Metric: feedback/dropped.
    [[nodiscard]] stages::FeedbackData feedback() const override;
    // Each held-out prompt of the input "feedback" once, in the order of the files. Throws ConfigError where none
    // leaves room for an answer.
    [[nodiscard]] std::vector<stages::PromptRow> exam(config::Int count) const override;
    // By the reward model of the input "gold".
    [[nodiscard]] std::vector<double> judge(std::vector<stages::PromptRow> const& exam,
                                            std::vector<model::Completion> const& answers) const override;
    [[nodiscard]] double gold(stages::PromptRow const& prompt, stages::Tokens const& completion,
                              bool ended) const override;

private:
    // Adds the rows that data.bad_rows = skip left out to the metric <kind>/bad_rows, which is there with `skip` alone,
    // and names them in the stage's log (check_data has named them to the user).
    void count_skipped_rows(std::string const& file, data::ReadCounts const& counts) const;
    [[nodiscard]] std::vector<data::Completion> sft_rows() const;
};

// Reads every data file that the section names, so that a malformed one is seen before any stage runs, and says which
// rows data.bad_rows = skip leaves out. Throws IoError.
void check_data(config::DataConfig const& data);

}  // namespace alignsweep::sources
