// SPDX-License-Identifier: Apache-2.0
// What stages hand to each other in data.h5: tokenizer and corpus, feedback, evaluated answers. One function to write
// and one to read each; the stages' code sees only the structs.
#pragma once

#include "data/batch.hpp"
#include "data/tokenizer.hpp"
#include "losses/preference.hpp"
#include "store/file.hpp"

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace alignsweep::stages {

using Tokens = std::vector<std::int32_t>;

// corpus: the text that pre-training reads, and the questions and answers of SFT.
struct CorpusData {
    data::Tokenizer tokenizer;
    Tokens train, heldout;  // streams of documents, each followed by the end token
    std::vector<data::Example> sft;
};
void save_corpus(std::filesystem::path const& folder, CorpusData const& corpus);
CorpusData load_corpus(std::filesystem::path const& folder);
data::Tokenizer load_tokenizer(std::filesystem::path const& folder);
// The windows of a stream, as examples without a prompt.
std::vector<data::Example> text_examples(std::span<std::int32_t const> stream, std::int64_t length);

// A prompt in tokens, with the codes that name it in the simulated world (kind = -1: not of that world).
struct PromptRow {
    Tokens tokens;
    std::int32_t kind = -1, subject = 0, attribute = 0, form = 0;
    bool heldout = false;  // kept for evaluation: only the gold reward model learns from its labels
};

// feedback: pairs and thumbs as indices into the completions, each of which answers one prompt.
struct FeedbackData {
    std::vector<PromptRow> prompts;
    struct CompletionRow {
        std::int64_t prompt = 0;
        Tokens tokens;
        bool on_policy = true;    // sampled for this very prompt (not a contrast)
        double gold = 0.0;        // gold reward, NaN without
        std::int64_t rating = 0;  // 1 to 5; 0: none
    };
    std::vector<CompletionRow> completions;
    struct PairRow {
        std::int64_t chosen = 0, rejected = 0;
        double probability = 1.0;  // that `chosen` is the better one; below 1 with feedback.labels = probabilities
    };
    std::vector<PairRow> pairs;
    struct ThumbRow {
        std::int64_t completion = 0;
        std::int64_t desirable = 1;
        std::int64_t partner = 0;  // index of another prompt's completion: the mismatch for KTO's z0; -1: none fits
    };
    std::vector<ThumbRow> thumbs;
};
void save_feedback(std::filesystem::path const& folder, FeedbackData const& feedback);
FeedbackData load_feedback(std::filesystem::path const& folder);
// The prompt of one completion with the text of another, or with its own.
data::Example example_of(FeedbackData const& feedback, std::int64_t asked, std::int64_t said);
// Each completion after its own prompt.
std::vector<data::Example> completion_examples(FeedbackData const& feedback);

// reference: summed log-probabilities under the SFT model.
struct ReferenceData {
    std::vector<double> completions;  // of each completion after its prompt
    std::vector<double> mismatched;   // of each thumb's partner after the thumb's prompt
};
void save_reference(std::filesystem::path const& folder, ReferenceData const& reference);
ReferenceData load_reference(std::filesystem::path const& folder);

// Pairs and thumbs of the training prompts, or of all; without reference log-probabilities where `reference` is empty.
std::vector<losses::Pair> make_pairs(FeedbackData const& feedback, ReferenceData const& reference,
                                     bool with_heldout = false);
// `with_partner`: for a loss with z0. A thumb without a mismatched partner is left out then; ConfigError where that
// leaves none (all prompts the same, say).
std::vector<losses::Thumb> make_thumbs(FeedbackData const& feedback, ReferenceData const& reference,
                                       bool with_partner = true);

// evaluate: one answer a held-out prompt, or in the enumerable world every answer to every prompt.
struct AnswersData {
    std::vector<data::Example> answers;
    std::vector<double> gold;      // NaN where there is no gold reward
    std::vector<double> weight{};  // adding up to 1; empty: all alike
    // Enumerable world: what is known of each answer beside its weight, and of the model.
    std::map<std::string, std::vector<double>> exact{};
    std::map<std::string, store::Attribute> facts{};
};
void save_answers(std::filesystem::path const& folder, AnswersData const& answers, data::Tokenizer const& tokenizer);
AnswersData load_answers(std::filesystem::path const& folder);

// token_values: beginnings of answers, one a row: the prompt alone, then one token more at a time up to whole answers.
struct PrefixData {
    std::vector<data::Example> beginnings;                   // prompt, and the first tokens of an answer
    std::vector<std::int64_t> prompt;                        // number of the prompt
    std::vector<std::int64_t> finished;                      // 1: a whole answer
    std::vector<std::int64_t> previous;                      // row of the beginning that is one token shorter; -1: none
    std::vector<double> weight;                              // how often answers begin so
    std::map<std::string, std::vector<double>> estimates{};  // what a model says of it, by the estimate's name
    std::map<std::string, std::vector<double>> exact{};      // what it is worth; NaN where that is not defined
    std::map<std::string, store::Attribute> facts{};

    [[nodiscard]] std::size_t size() const { return beginnings.size(); }
    void add(data::Example beginning, std::int64_t number, std::int64_t before, bool whole) {
        beginnings.push_back(std::move(beginning));
        prompt.push_back(number);
        previous.push_back(before);
        finished.push_back(whole ? 1 : 0);
    }
};
void save_prefixes(std::filesystem::path const& folder, PrefixData const& prefixes);

}  // namespace alignsweep::stages
