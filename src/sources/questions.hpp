// SPDX-License-Identifier: Apache-2.0
// Two answers to one prompt, what a judge says of them, and how that becomes feedback.
#pragma once

#include "infer/models.hpp"
#include "sources/source.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace alignsweep::sources {

// A prompt with two answers.
struct Duel {
    stages::PromptRow const* prompt;
    std::array<model::Completion, 2> answers;

    [[nodiscard]] bool is_equal() const { return answers[0].tokens == answers[1].tokens; }
};
// A number of each answer.
using Scores = std::vector<std::array<double, 2>>;

// A number of each answer of each duel.
template <class Number, class Of>
std::vector<std::array<Number, 2>> of_answers(std::vector<Duel> const& duels, Of const& of) {
    std::vector<std::array<Number, 2>> numbers;
    for (Duel const& duel : duels) {
        numbers.push_back({of(*duel.prompt, duel.answers[0]), of(*duel.prompt, duel.answers[1])});
    }
    return numbers;
}

// What a judge says of a duel.
struct Verdict {
    double first_better = 0.5;  // probability that it prefers the first answer
    bool chose_first = true;    // a choice drawn with it
    bool undecided = false;     // it has no preference and draws none: only a soft label (one half) can say so
    std::array<bool, 2> up{};   // thumbs, where it gives them
    std::array<std::int32_t, 2> rating{};
};

// One duel of the feedback to be.
struct Question {
    std::int64_t prompt;        // index
    stages::Tokens contrast{};  // what the second answer is sampled for instead; empty: the prompt as well
};

// The SFT model's answers. The prompts must outlive them.
[[nodiscard]] std::vector<Duel> ask(stages::Context const& context, infer::Weights const& sft,
                                    std::vector<stages::PromptRow> const& prompts,
                                    std::vector<Question> const& questions);

// Exact rewards of the answers.
[[nodiscard]] Scores gold_of(Source const& source, std::vector<Duel> const& duels);

// Pairs and thumbs from the verdicts, as [feedback] wants them. Metric: feedback/equal_answers.
[[nodiscard]] stages::FeedbackData labelled(stages::Context& context, std::vector<stages::PromptRow> prompts,
                                            std::vector<Question> const& questions, std::vector<Duel> const& duels,
                                            Scores const& gold, std::vector<Verdict> const& verdicts);

// A pair as two thumbs.
void take_apart(stages::FeedbackData& feedback, std::int64_t chosen, std::int64_t rejected);

}  // namespace alignsweep::sources
