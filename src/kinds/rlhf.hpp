// SPDX-License-Identifier: Apache-2.0
// The section of rlhf, and PPO's episodes: whom it asks, what the policy answers, and what the answers are worth.
#pragma once

#include "infer/reward.hpp"
#include "losses/ppo.hpp"
#include "sources/source.hpp"
#include "train/rollout.hpp"

#include <optional>

namespace alignsweep::kinds {

enum class EpisodeReward { proxy, gold };

enum class KlControl { fixed, adaptive, annealed };

enum class ValueModel { own, shared };

enum class MissingEnd { replace, subtract };

// [rlhf]: PPO against the reward model.
struct RlhfConfig {
    config::Int value_warmup = 10, updates = 40, episodes = 128, epochs = 2, minibatch = 64, max_new_tokens = 32;
    double temperature = 1.0, kl_coef = 0.1, gamma = 1.0, lambda = 0.95, clip_range = 0.2, value_clip_range = 0.2,
           vf_coef = 0.1, missing_end_score = -1.0, missing_end_penalty = 0.0, kl_target = 6.0, kl_horizon = 10000.0,
           kl_start = 1.0, kl_anneal = 0.5, ptx_coef = 0.0;
    EpisodeReward reward = EpisodeReward::proxy;
    losses::KlEstimator kl_estimator = losses::KlEstimator::k1;
    KlControl kl_control = KlControl::fixed;
    ValueModel value_model = ValueModel::own;
    MissingEnd missing_end = MissingEnd::replace;
    config::OptimizerConfig optimizer{.learning_rate = 4e-4};

    void fields(config::FieldVisitor& visit) {
        visit("value_warmup", value_warmup, {0, 1e7},
              "rounds before these that train the value model alone (shared: the scalar head alone), on returns of the "
              "SFT model");
        visit("updates", updates, {0, 1e7}, "rounds of rollout and optimisation");
        visit("episodes", episodes, {1, 1e7}, "completions of a rollout");
        visit("epochs", epochs, {1, 1e4}, "passes over a rollout");
        visit("minibatch", minibatch, {1, 1e7}, "episodes of an optimiser step");
        visit("max_new_tokens", max_new_tokens, {1, 65536}, "most tokens of a completion");
        visit("temperature", temperature, config::positive, "sampling temperature, and divisor of all logits");
        visit("reward", reward, config::Choices{"proxy", "gold"},
              "what scores the episodes: the reward model, or the exact gold reward (an oracle, simulated world only), "
              "which is not normalised and judges a missing end itself");
        visit("kl_coef", kl_coef, config::non_negative, "coefficient of the per-token KL penalty");
        visit("kl_estimator", kl_estimator, config::Choices{"k1", "k3"}, "estimator of the KL (Schulman's names)");
        visit("kl_control", kl_control, config::Choices{"fixed", "adaptive", "annealed"},
              "adaptive: kl_coef is where the coefficient starts; it follows kl_target (metric objective/kl_coef)");
        visit("kl_start", kl_start, config::positive, "annealed: coefficient of the first update");
        visit("kl_anneal", kl_anneal, config::probability,
              "annealed: share of the updates in which the coefficient falls, by equal factors, to kl_coef");
        visit("kl_target", kl_target, config::positive, "adaptive: KL aimed at, nats a sequence");
        visit("kl_horizon", kl_horizon, config::positive,
              "adaptive: an error of a fifth for this many episodes changes the coefficient by a fifth");
        visit("value_model", value_model, config::Choices{"own", "shared"},
              "a model of its own that starts from the reward model (reward = gold: from the SFT model), or a scalar "
              "head on the policy's trunk");
        visit("gamma", gamma, config::probability, "discount");
        visit("lambda", lambda, config::probability, "GAE's lambda");
        visit("clip_range", clip_range, config::positive, "clip range of the ratio");
        visit("value_clip_range", value_clip_range, config::positive, "clip range of the value");
        visit("vf_coef", vf_coef, config::non_negative, "coefficient of the value loss");
        visit("missing_end", missing_end, config::Choices{"replace", "subtract"},
              "proxy, no end token: missing_end_score replaces the score, or missing_end_penalty is taken from it");
        visit("missing_end_score", missing_end_score, config::any, "score of a completion without an end (replace)");
        visit("missing_end_penalty", missing_end_penalty, config::non_negative, "penalty without an end (subtract)");
        visit("ptx_coef", ptx_coef, config::non_negative,
              "weight of the pre-training loss (mean over tokens) in each policy step, which reads a window of the "
              "corpus for each episode of its minibatch (PPO-ptx); 0: none");
        optimizer.fields(visit);
    }
};

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
    RlhfConfig const& config_;
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
    // adaptive coefficient follows the number that is reported.
    [[nodiscard]] losses::Rollout draw(std::int64_t update, Models const& models, Rules const& rules,
                                       std::map<std::string, double>& metrics);

    [[nodiscard]] std::int64_t proxy_parameters() const { return score_.proxy_parameters(); }
    [[nodiscard]] double prompts() const { return static_cast<double>(prompts_.size()); }

private:
    stages::Context const& context_;
    RlhfConfig const& config_;
    int chunk_;
    train::Prompts prompts_;
    EpisodeScore score_;
};

}  // namespace alignsweep::kinds
