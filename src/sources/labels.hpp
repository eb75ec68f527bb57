// SPDX-License-Identifier: Apache-2.0
// Who labels the simulated feedback: people, another language model, or a constitution (feedback.source).
#pragma once

#include "sources/questions.hpp"

#include <vector>

namespace alignsweep::sources {

// People are those of world/annotators. The other two score each answer alone, so no order of presentation can sway
// them (Lee et al., arXiv:2309.00267, section 2.1, ask a model for both orders to take that bias out), and prefer the
// first with probability sigma((s_1 - s_2) / feedback.choice_temperature):
//   ai            log-probability of the answer's tokens under the SFT model, mean over tokens: what the model itself
//                 would rather say. It errs where the model is sure of something wrong.
//   constitution  how many rules of world/constitution it keeps. Equal scores leave a pair undecided: it knows no
//                 fact, and a coin would say nothing. As soft labels such pairs stand at one half.
// A thumb is up against the median score in the same way; ratings are fifths of the scores' order.
[[nodiscard]] std::vector<Verdict> label(stages::Context& context, Source const& source, std::vector<Duel> const& duels,
                                         Scores const& gold, infer::Weights const& sft);

// Verdicts from two scores a duel. `ties`: whether equal scores are decided by a coin. `flip`: the share of choices and
// thumbs that are turned round by mistake.
struct ScoreRule {
    double temperature;
    bool ties;
    double flip = 0.0;
};
[[nodiscard]] std::vector<Verdict> verdicts_from_scores(Scores const& scores, ScoreRule const& rule,
                                                        std::uint64_t seed_feedback);

}  // namespace alignsweep::sources
