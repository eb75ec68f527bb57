// SPDX-License-Identifier: Apache-2.0
// What an answer is worth token by token: what the models of a trial say, and what is true.
//
// Estimates of a beginning x, y_<t:
//   score     the reward model's normalised score, read at its last token
//   value     PPO's value head there; of a whole answer the score, as PPO has it
//   implicit  beta log(pi / pi_sft) of y_<t, the sum of its tokens' implicit rewards: 0 at the prompt
// Exact values (_sft and _policy: the mean over how that model goes on):
//   gold_sft, gold_policy    gold reward; of a whole answer its own
//   gold_soft, proxy_soft    V*, for the soft-optimal policy at beta, of the gold reward and of the score (enumerable
//                            world). Beta is in units of what the method maximises: read gold_soft for DPO, KTO and
//                            PPO with the gold reward, proxy_soft for PPO with a reward model
//   gold_ended               gold reward of the answer that ends right here
//   proxy_sft, proxy_policy  the reward model's score of the whole answer
//   ..._error                Monte Carlo standard error (text world)
#pragma once

#include "infer/models.hpp"
#include "infer/reward.hpp"
#include "sources/source.hpp"

namespace alignsweep::kinds {

// [token_values]: what each token's reward, value and implicit reward are worth beside the exact value of the answer so
// far; a side stage of the methods that train a policy.
struct TokenValuesConfig {
    config::Int prompts = 0, continuations = 32;

    void fields(config::FieldVisitor& visit) {
        visit("prompts", prompts, {0, 1e6},
              "held-out prompts whose answers are valued token by token (0: none; enumerable world: any takes all)");
        visit("continuations", continuations, {2, 1e6},
              "samples from each beginning of an answer (the enumerable world lists them instead)");
    }
};

// The models of the trial.
struct TokenModels {
    infer::Weights const &policy, &sft;
    infer::Transformer& transformer;
    infer::Reward& reward;
    double beta;
};

// Every beginning and every answer, with exact values by summing over the tree; answers count as often as SFT model and
// policy give them, half and half. Fills the estimate `score`, which the exact proxy values need.
[[nodiscard]] stages::PrefixData enumerate_prefixes(stages::Context& context, world::Enumerable const& world,
                                                    TokenModels const& models);

// Every beginning of an answer of the SFT model and one of the policy to each of the first held-out prompts that
// evaluate asks. Exact values are means over token_values.continuations samples; a continuation has the tokens left
// that evaluate.max_new_tokens gives an answer. Fills `score` as well.
[[nodiscard]] stages::PrefixData sample_prefixes(stages::Context& context, sources::Source const& source,
                                                 TokenModels const& models);

// Correlations of every estimate with every exact value, under their metric names.
[[nodiscard]] std::map<std::string, double> compare_token_values(stages::PrefixData const& prefixes);

}  // namespace alignsweep::kinds
