// SPDX-License-Identifier: Apache-2.0
// How `score` turns texts into tokens: with the policy's own tokenizer, in the way of TRL's trainers.
#pragma once

#include "data/batch.hpp"
#include "infer/any_model.hpp"

#include <functional>

namespace alignsweep::score {

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

    std::function<Tokens(std::string const&)> encode_, encode_ended_;  // a text; a text with its end token
    std::string chat_defect_;
};

}  // namespace alignsweep::score
