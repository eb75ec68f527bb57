// SPDX-License-Identifier: Apache-2.0
// PPO's episodes: whom it asks, what the policy answers, and what the answers are worth.
#pragma once

#include "infer/reward.hpp"
#include "losses/ppo.hpp"
#include "model/generate.hpp"
#include "sources/source.hpp"
#include "stages/artifacts.hpp"
#include "train/rollout.hpp"

#include <optional>

namespace alignsweep::kinds {

// Scores whole episodes. rlhf.reward = proxy: the reward model's normalised score, with rlhf.missing_end for an answer
// without an end token. gold: the exact gold reward as it is; it sees a missing end itself, so no rule is added.
class EpisodeScore {
public:
    explicit EpisodeScore(stages::Context& context);

    [[nodiscard]] std::vector<double> of(std::vector<stages::PromptRow const*> const& asked,
                                         std::vector<data::Example> const& examples,
                                         std::vector<model::Completion> const& completions);
    // Of the reward model; 0 without.
    [[nodiscard]] std::int64_t proxy_parameters() const { return proxy_ ? proxy_->parameter_count() : 0; }

private:
    config::RlhfConfig const& config_;
    std::optional<infer::Reward> proxy_;
    std::unique_ptr<sources::Source const> gold_;
};

class PpoEpisodes {
public:
    // Training prompts of the input "feedback". Throws ConfigError where none leaves room for an answer.
    explicit PpoEpisodes(stages::Context& context);

    // Policy and reference run on one transformer.
    struct Models {
        infer::Transformer& policy_runner;
        infer::Weights const &policy, &reference;
        infer::Transformer& value_runner;
        infer::Weights const& value;
    };
    struct Rules {
        double kl_coef, lambda;
    };
    // Samples the episodes of an update with all that their losses need, and measures objective/* and
    // val/num_eos_tokens. objective/kl is the mean of k1 over the episodes, whichever estimator the penalty has: the
    // adaptive coefficient is led by the number that is reported.
    [[nodiscard]] losses::Rollout draw(std::int64_t update, Models const& models, Rules const& rules,
                                       std::map<std::string, double>& metrics);

    [[nodiscard]] std::int64_t proxy_parameters() const { return score_.proxy_parameters(); }
    [[nodiscard]] double prompts() const { return static_cast<double>(prompts_.size()); }

private:
    stages::Context const& context_;
    config::RlhfConfig const& config_;
    int chunk_;
    train::Prompts prompts_;
    EpisodeScore score_;
};

}  // namespace alignsweep::kinds
