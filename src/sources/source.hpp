// SPDX-License-Identifier: Apache-2.0
// Where the texts, prompts, answers and judgements of a trial come from: a simulated world of texts, one whose answers
// can all be listed, or files. No other module asks which of them it is.
#pragma once

#include "data/jsonl.hpp"
#include "model/generate.hpp"
#include "stages/artifacts.hpp"
#include "stages/context.hpp"
#include "world/enumerable.hpp"
#include "world/gold.hpp"

#include <memory>
#include <string>
#include <vector>

namespace alignsweep::sources {

using model::Completion;
using stages::Context;
using stages::CorpusData;
using stages::FeedbackData;
using stages::PromptRow;
using stages::Tokens;

enum class SourceKind { text_world, enumerable_world, files };
[[nodiscard]] SourceKind source_kind(config::Config const& config);

// Answers that refuse and answers that do not, to the same prompts.
struct Refusals {
    std::string name;  // of the kind of prompt
    std::vector<data::Example> refused, answered;
};

class Source {
public:
    explicit Source(Context& context) : context_(context) {}
    virtual ~Source() = default;

    // Text for pre-training, its tokenizer, and what SFT learns from.
    [[nodiscard]] virtual CorpusData corpus() const = 0;
    // Labelled answers to training prompts: those of the SFT model of the input "sft", or of files. Thumbs have no
    // partners yet.
    [[nodiscard]] virtual FeedbackData feedback() const = 0;
    // The first held-out prompts that leave room for an answer of `max_new_tokens`, at most `count`.
    [[nodiscard]] virtual std::vector<PromptRow> exam(config::Int count, config::Int max_new_tokens) const = 0;
    // The reward of one answer to each of these, and further metrics of evaluate.
    [[nodiscard]] virtual std::vector<double> judge(std::vector<PromptRow> const& exam,
                                                    std::vector<Completion> const& answers) const;

    // The exact gold reward of an answer; `ended`: whether the end token came. Throws ConfigError where there is none:
    // real prompts have no exact gold reward.
    [[nodiscard]] virtual double gold(PromptRow const& prompt, Tokens const& completion, bool ended) const;
    // Whether an answer refuses; nothing is known to where answers are of files.
    [[nodiscard]] virtual bool refuses(PromptRow const& /*prompt*/, Completion const& /*answer*/) const {
        return false;
    }
    // What the reward of a text is a weighted sum of, and people value; the text world alone has it.
    [[nodiscard]] virtual world::Values values(PromptRow const& prompt, Tokens const& completion, bool ended) const;
    // To test what a reward model thinks of refusing; none where nothing is known to be unsafe.
    [[nodiscard]] virtual std::vector<Refusals> refusals() const { return {}; }
    // Whose every answer can be listed; null elsewhere.
    [[nodiscard]] virtual world::Enumerable const* listed() const { return nullptr; }

protected:
    [[nodiscard]] Context& context() const { return context_; }

private:
    Context& context_;
};

// The context must outlive it.
[[nodiscard]] std::unique_ptr<Source const> open_source(Context& context);

// Reads every data file that these sections name, once in each role, so that a malformed one is seen before any stage
// runs, and says which rows data.bad_rows = skip leaves out. Throws IoError.
void check_data(std::vector<config::DataConfig const*> const& sections);

// Whether answers to one prompt fit `context`: it is cut for the longest, since policy, reference and both answers of a
// pair must see the same (data::fit, whose errors begin with `where`).
[[nodiscard]] bool fit_together(std::vector<data::Example>& answers, config::Int context, config::TooLong policy,
                                std::string const& where);

// Texts as a corpus: a tokenizer of its own, and those examples for SFT that fit the context; `file` is named where
// data.too_long = error.
struct Texts {
    std::vector<std::string> train, heldout;
    std::vector<data::Completion> sft;
};
[[nodiscard]] CorpusData tokenised(Context& context, Texts const& texts, std::string const& file);

}  // namespace alignsweep::sources
