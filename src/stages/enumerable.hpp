// SPDX-License-Identifier: Apache-2.0
// What the stages corpus, feedback and evaluate do in the enumerable world (world.kind = enumerable).
#pragma once

#include "stages/artifacts.hpp"
#include "stages/context.hpp"
#include "stages/runtime.hpp"
#include "world/enumerable.hpp"

namespace alignsweep::stages {

[[nodiscard]] inline bool is_enumerable(config::Config const& config) {
    return config.get<config::WorldConfig>().kind == config::WorldKind::enumerable;
}
[[nodiscard]] world::Enumerable enumerable_world(Context const& context);

// Documents for pre-training and answers for SFT, both drawn from the corpus' own next-token distribution.
[[nodiscard]] CorpusData enumerable_corpus(Context const& context);

// feedback.prompts questions, the prompts in turn, each answered twice by the SFT model. Labels are Bradley-Terry on
// the gold reward at feedback.choice_temperature, flipped with probability feedback.flip; nobody has weights of their
// own or a bias. Thumbs come from the drawn choices, whatever feedback.labels. Without partners (draw_partners).
[[nodiscard]] FeedbackData enumerable_feedback(Context& context);

// Every response to every prompt with its exact probability under the model: a policy as it is or, with state
// "best_of_n", the best of n by the reward model of the input "reward_model". Puts exact metrics into the context; with
// state "beta" also the distance to the optimum at that beta.
[[nodiscard]] AnswersData evaluate_exactly(Context& context, Transformer& transformer, StoredModel const& model);

// next[context * tokens + token]: log-probability of each next token after a prompt and each context of the tree,
// normalised in double.
[[nodiscard]] std::vector<double> next_logprobs(Transformer& transformer, Weights const& weights,
                                                world::ResponseTree const& tree, Tokens const& prompt, int chunk);

}  // namespace alignsweep::stages
