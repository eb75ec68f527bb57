// SPDX-License-Identifier: Apache-2.0
// The data set that `score` reads, how its texts become tokens, and the file of columns that it writes.
#pragma once

#include "data/batch.hpp"
#include "infer/any_model.hpp"
#include "score/columns.hpp"
#include "score/score.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace alignsweep::score {

// Texts become tokens with the policy's own tokenizer, in the way of TRL's trainers.
class TextTokens {
public:
    // The tokenizer of a model: tokenizer.json beside its weights, or, for a stage's checkpoint, that of the corpus
    // stage which its manifest leads to in the same results folder. `tokenizer`, where it is not empty, is used
    // instead: a tokenizer.json or its folder, or the folder of a corpus stage. Throws IoError where there is none, and
    // where it asks for what is not supported.
    TextTokens(infer::ModelSource const& model, std::filesystem::path const& tokenizer);

    // A prompt with each of its answers. The prompt, and the prompt with each answer and the end token, are tokenised;
    // the prompt ends where the first of these part, so that tokens which reach over its end belong to the answers.
    // Source: TRL, trl/trainer/dpo_trainer.py, _prepare_dataset.
    [[nodiscard]] std::vector<data::Example> examples(std::string const& prompt,
                                                      std::vector<std::string> const& answers) const;

    // Why a conversation cannot be rendered as the model expects it; empty where it can.
    [[nodiscard]] std::string const& chat_defect() const { return chat_defect_; }

private:
    using Tokens = std::vector<std::int32_t>;
    void use_corpus(std::filesystem::path const& folder);
    void use_tokenizer_json(std::filesystem::path const& file);

    [[nodiscard]] Tokens encode_ended(std::string const& text) const;

    std::function<Tokens(std::string const&)> encode_;
    std::string end_text_;         // what ends a text; empty: end_token_ does
    std::int32_t end_token_ = -1;  // of a tokenizer whose end has no text
    std::string chat_defect_;
};

struct ScoreRows {
    std::vector<std::int64_t> lines;  // of the file, from 1: which rows the following are
    // Of pairs: both of a row. Else `first` alone, the completion.
    std::vector<data::Example> first, second;
    std::vector<bool> desirable;                // thumbs
    std::vector<data::Example> mismatched;      // kto: of those rows that have one
    std::vector<std::int64_t> mismatched_rows;  // which
    data::ReadCounts counts;
    std::int64_t too_long = 0;  // rows dropped
};

// The rows of request.data that fit `context` tokens, all ids below `vocabulary`; a warning names those that
// data.bad_rows = skip leaves out. Throws IoError (file and line), ConfigError where data.too_long = error, or nothing
// is left.
[[nodiscard]] ScoreRows read_score_rows(ScoreRequest const& request, infer::ModelSource const& policy,
                                        std::int64_t vocabulary, std::int64_t context);

// What request.out is.
inline constexpr Format scores_format{"alignsweep.scores", 1, "a file of scores"};

void write_scores(ScoreRequest const& request, ScoreRows const& rows, Columns const& scores);

}  // namespace alignsweep::score
