// SPDX-License-Identifier: Apache-2.0
// Who labels the simulated feedback: people, another language model, or a constitution (feedback.source).
#pragma once

#include "infer/models.hpp"
#include "model/generate.hpp"
#include "sources/gold.hpp"
#include "stages/context.hpp"

#include <array>
#include <vector>

namespace alignsweep::sources {

// Prompts, each with two answers.
struct Questions {
    std::vector<world::Prompt> prompts;
    std::vector<stages::Tokens> tokens;                     // of the prompts
    std::vector<std::array<model::Completion, 2>> answers;  // to the prompts
    std::vector<std::array<world::Values, 2>> values;       // exact, of the answers
    std::vector<std::array<double, 2>> gold;                // exact reward of the answers
};

// What a labeller says of one question.
struct QuestionLabel {
    double first_better = 0.5;  // probability that it prefers the first answer
    bool chose_first = true;    // a choice drawn with it
    bool undecided = false;     // it has no preference and draws none: only a soft label (one half) can say so
    std::array<bool, 2> up{};
    std::array<std::int32_t, 2> rating{};
};

// People are those of world/annotators. The other two score each answer alone, so no order of presentation can sway
// them (Lee et al., arXiv:2309.00267, section 2.1, ask a model for both orders to take that bias out), and prefer the
// first with probability sigma((s_1 - s_2) / feedback.choice_temperature):
//   ai            log-probability of the answer's tokens under the SFT model, mean over tokens: what the model itself
//                 would rather say. It errs where the model is sure of something wrong.
//   constitution  how many rules of world/constitution it keeps. Equal scores leave a pair undecided: it knows no
//                 fact, and a coin would say nothing. As soft labels such pairs stand at one half.
// A thumb is up against the median score in the same way; ratings are fifths of the scores' order.
[[nodiscard]] std::vector<QuestionLabel> label(stages::Context& context, Questions const& questions, Gold const& gold,
                                               infer::Weights const& sft);

// Labels from two scores a question, for the judges above. `ties`: whether equal scores are decided by a coin.
[[nodiscard]] std::vector<QuestionLabel> labels_from_scores(std::vector<std::array<double, 2>> const& scores,
                                                            config::FeedbackConfig const& config, bool ties,
                                                            std::uint64_t seed_feedback);

}  // namespace alignsweep::sources
