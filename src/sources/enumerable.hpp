// SPDX-License-Identifier: Apache-2.0
// What corpus and feedback are in the enumerable world (world.kind = enumerable).
#pragma once

#include "infer/models.hpp"
#include "stages/artifacts.hpp"
#include "stages/context.hpp"
#include "world/enumerable.hpp"

namespace alignsweep::sources {

[[nodiscard]] inline bool is_enumerable(stages::Context const& context) {
    return context.get(&config::WorldConfig::kind) == config::WorldKind::enumerable;
}
[[nodiscard]] world::Enumerable enumerable_world(stages::Context const& context);

// Documents for pre-training and answers for SFT, both drawn from the corpus' own next-token distribution.
[[nodiscard]] stages::CorpusData enumerable_corpus(stages::Context const& context);

// feedback.prompts questions, the prompts in turn, each answered twice by the SFT model. Labels are Bradley-Terry on
// the gold reward at feedback.choice_temperature, flipped with probability feedback.flip; nobody has weights of their
// own or a bias. Thumbs come from the drawn choices, whatever feedback.labels. Without partners (draw_partners).
[[nodiscard]] stages::FeedbackData enumerable_feedback(stages::Context& context);

}  // namespace alignsweep::sources
