// SPDX-License-Identifier: Apache-2.0
// Sections of feedback and of the methods that learn from it.
#pragma once

#include "config/model_sections.hpp"

namespace alignsweep::config {

enum class LabelSource { annotators, ai, constitution };
enum class PairLabels { choices, probabilities };
enum class ThumbLabels { pairs, annotators };

// [feedback]: one set of completions of the SFT model, labelled as pairs, thumbs and ratings.
struct FeedbackConfig {
    Int prompts = 4096, max_new_tokens = 32, annotators = 8;
    double temperature = 1.0, contrast = 0.5, weight_spread = 0.3, choice_temperature = 0.3, flip = 0.05,
           position_bias = 0.1;
    LabelSource source = LabelSource::annotators;
    PairLabels labels = PairLabels::choices;
    ThumbLabels thumbs = ThumbLabels::pairs;

    void fields(FieldVisitor& visit) {
        visit("prompts", prompts, Range{1, 1e8}, "prompts, each answered twice");
        visit("max_new_tokens", max_new_tokens, Range{1, 65536}, "most tokens of a completion");
        visit("temperature", temperature, non_negative, "sampling temperature");
        visit("contrast", contrast, probability,
              "share of how-to prompts whose second answer was sampled for the twin request (unsafe for harmless and "
              "the reverse), so that refusals and compliance occur on both");
        visit("annotators", annotators, Range{1, 1e6}, "people who label");
        visit("weight_spread", weight_spread, non_negative, "log-normal spread of their value weights");
        visit("choice_temperature", choice_temperature, non_negative, "temperature of Bradley-Terry choices");
        visit("flip", flip, probability, "share of labels flipped by mistake");
        visit("position_bias", position_bias, any, "reward added to the answer shown first");
        visit("source", source, Choices{"annotators", "ai", "constitution"},
              "who labels: simulated people; the SFT model as judge (RLAIF); explicit rules (constitutional AI)");
        visit("labels", labels, Choices{"choices", "probabilities"},
              "pairs: one drawn choice each, or the probability of that choice (soft labels)");
        visit("thumbs", thumbs, Choices{"pairs", "annotators"},
              "KTO's labels: the pairs taken apart, or each answer judged alone against the annotator's standard");
    }
};

// [reward_model]
struct RewardModelConfig {
    Int width = 0, depth = 0, epochs = 8, batch = 64;
    double share = 1.0, centering = 0.01, margin = 0.0;
    bool normalise = true;
    OptimizerConfig optimizer{.learning_rate = 1e-3};

    void fields(FieldVisitor& visit) {
        visit("width", width, Range{0, 65536},
              "its own width, of the policy's head width (0: the policy's); another size has its own pre-training");
        visit("depth", depth, Range{0, 512}, "its own layers (0: the policy's)");
        visit("epochs", epochs, Range{0, 1e6}, "passes over the pairs");
        visit("batch", batch, Range{1, 1e6}, "pairs of a step");
        visit("share", share, Range{1e-9, 1.0}, "share of the labels that the proxy is trained on");
        visit("centering", centering, non_negative, "coefficient of the mean squared sum of rewards");
        visit("margin", margin, any, "margin in the Bradley-Terry loss");
        visit("normalise", normalise,
              "the proxy's score of the SFT model's answers to mean 0 and standard deviation 1; false: in units of the "
              "choices' log-odds");
        optimizer.fields(visit);
    }
};

enum class EpisodeReward { proxy, gold };
enum class KlEstimator { k1, k3 };
enum class KlControl { fixed, adaptive, annealed };
enum class ValueModel { own, shared };
enum class MissingEnd { replace, subtract };

// [rlhf]: PPO against the reward model.
struct RlhfConfig {
    Int value_warmup = 10, updates = 40, episodes = 128, epochs = 2, minibatch = 64, max_new_tokens = 32;
    double temperature = 1.0, kl_coef = 0.1, gamma = 1.0, lambda = 0.95, clip_range = 0.2, value_clip_range = 0.2,
           vf_coef = 0.1, missing_end_score = -1.0, missing_end_penalty = 0.0, kl_target = 6.0, kl_horizon = 10000.0,
           kl_start = 1.0, kl_anneal = 0.5, ptx_coef = 0.0;
    EpisodeReward reward = EpisodeReward::proxy;
    KlEstimator kl_estimator = KlEstimator::k1;
    KlControl kl_control = KlControl::fixed;
    ValueModel value_model = ValueModel::own;
    MissingEnd missing_end = MissingEnd::replace;
    OptimizerConfig optimizer{.learning_rate = 4e-4};

    void fields(FieldVisitor& visit) {
        visit("value_warmup", value_warmup, Range{0, 1e7},
              "rounds before these that train the value model alone (shared: the scalar head alone), on returns of the "
              "SFT model");
        visit("updates", updates, Range{0, 1e7}, "rounds of rollout and optimisation");
        visit("episodes", episodes, Range{1, 1e7}, "completions of a rollout");
        visit("epochs", epochs, Range{1, 1e4}, "passes over a rollout");
        visit("minibatch", minibatch, Range{1, 1e7}, "episodes of an optimiser step");
        visit("max_new_tokens", max_new_tokens, Range{1, 65536}, "most tokens of a completion");
        visit("temperature", temperature, positive, "sampling temperature, and divisor of all logits");
        visit("reward", reward, Choices{"proxy", "gold"},
              "what scores the episodes: the reward model, or the exact gold reward (an oracle, simulated world only), "
              "which is not normalised and judges a missing end itself");
        visit("kl_coef", kl_coef, non_negative, "coefficient of the per-token KL penalty");
        visit("kl_estimator", kl_estimator, Choices{"k1", "k3"}, "estimator of the KL (Schulman's names)");
        visit("kl_control", kl_control, Choices{"fixed", "adaptive", "annealed"},
              "adaptive: kl_coef is where the coefficient starts; it follows kl_target (metric objective/kl_coef)");
        visit("kl_start", kl_start, positive, "annealed: coefficient of the first update");
        visit("kl_anneal", kl_anneal, probability,
              "annealed: share of the updates in which the coefficient falls, by equal factors, to kl_coef");
        visit("kl_target", kl_target, positive, "adaptive: KL aimed at, nats a sequence");
        visit("kl_horizon", kl_horizon, positive,
              "adaptive: an error of a fifth for this many episodes changes the coefficient by a fifth");
        visit("value_model", value_model, Choices{"own", "shared"},
              "a model of its own that starts from the reward model (reward = gold: from the SFT model), or a scalar "
              "head on the policy's trunk");
        visit("gamma", gamma, probability, "discount");
        visit("lambda", lambda, probability, "GAE's lambda");
        visit("clip_range", clip_range, positive, "clip range of the ratio");
        visit("value_clip_range", value_clip_range, positive, "clip range of the value");
        visit("vf_coef", vf_coef, non_negative, "coefficient of the value loss");
        visit("missing_end", missing_end, Choices{"replace", "subtract"},
              "proxy, no end token: missing_end_score replaces the score, or missing_end_penalty is taken from it");
        visit("missing_end_score", missing_end_score, any, "score of a completion without an end (replace)");
        visit("missing_end_penalty", missing_end_penalty, non_negative, "penalty without an end (subtract)");
        visit("ptx_coef", ptx_coef, non_negative,
              "weight of the pre-training loss (mean over tokens) in each policy step, which reads a window of the "
              "corpus for each episode of its minibatch (PPO-ptx); 0: none");
        optimizer.fields(visit);
    }
};

// [dpo]
struct DpoConfig {
    Int epochs = 3, batch = 64, sync_steps = 0;
    double beta = 0.1, label_smoothing = 0.0, gamma_ratio = 0.3, discopop_tau = 0.05, sync_alpha = 0.6;
    std::string loss = "sigmoid";
    OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(FieldVisitor& visit) {
        visit("epochs", epochs, Range{0, 1e6}, "passes over the pairs");
        visit("batch", batch, Range{1, 1e6}, "pairs of a step");
        visit(
            "loss", loss,
            Choices{"sigmoid", "cdpo", "rdpo", "hinge", "ipo", "simpo", "orpo", "apo_zero", "apo_down", "sigmoid_norm",
                    "exo_pair", "nca_pair", "bco_pair", "sppo_hard", "discopop", "aot", "aot_unpaired"},
            "variant of the loss; `alignsweep methods` has the equations");
        visit("beta", beta, positive,
              "strength of the tie to the reference (IPO: tau; ORPO: lambda; SimPO: scale of its reward, say 2.5)");
        visit("label_smoothing", label_smoothing, Range{0.0, 0.499999},
              "share of wrong labels (cdpo, rdpo, aot, aot_unpaired; exo_pair: above 0, say 0.001)");
        visit("gamma_ratio", gamma_ratio, non_negative, "target margin over beta (simpo)");
        visit("discopop_tau", discopop_tau, Range{1e-6, 1.0},
              "temperature of the blend (discopop); small ones pull margins near 0 down");
        visit("sync_steps", sync_steps, Range{0, 1e8}, "steps between syncs of the reference (TR-DPO); 0: never");
        visit("sync_alpha", sync_alpha, probability, "share of the policy in the synced reference");
        optimizer.fields(visit);
    }
};

// [kto]
struct KtoConfig {
    Int epochs = 3, batch = 128;
    double beta = 0.1, lambda_desirable = 1.0, lambda_undesirable = 1.0;
    std::string loss = "kto";
    OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(FieldVisitor& visit) {
        visit("epochs", epochs, Range{0, 1e6}, "passes over the thumbs");
        visit("batch", batch, Range{1, 1e6}, "examples of a step");
        visit("loss", loss, Choices{"kto", "apo_zero_unpaired"}, "variant of the loss; the latter has no z0");
        visit("beta", beta, positive, "strength of the tie to the reference");
        visit("lambda_desirable", lambda_desirable, non_negative, "weight of desirable examples");
        visit("lambda_undesirable", lambda_undesirable, non_negative, "weight of undesirable examples");
        optimizer.fields(visit);
    }
};

// [best_of_n]: no training; the proxy reward picks one of n samples of the SFT model.
struct BestOfNConfig {
    Int n = 16;

    void fields(FieldVisitor& visit) { visit("n", n, Range{1, 65536}, "samples that the reward picks one of"); }
};

enum class Judge { reward_model, gold, annotators };

// What online DPO and online KTO share: fresh samples of the policy, labelled by a judge, one step each.
struct OnlineConfig {
    Int updates = 80, prompts = 64, max_new_tokens = 32;
    double temperature = 1.0;
    Judge judge = Judge::reward_model;

    void fields(FieldVisitor& visit) {
        visit("updates", updates, Range{0, 1e7}, "rounds of sampling, judging and one optimiser step");
        visit("prompts", prompts, Range{1, 1e7}, "prompts of a round, each answered twice");
        visit("max_new_tokens", max_new_tokens, Range{1, 65536}, "most tokens of a completion");
        visit("temperature", temperature, positive, "sampling temperature");
        visit("judge", judge, Choices{"reward_model", "gold", "annotators"}, "who compares the two answers");
    }
};

// [online_dpo]
struct OnlineDpoConfig {
    OnlineConfig online;
    double beta = 0.1;
    OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(FieldVisitor& visit) {
        online.fields(visit);
        visit("beta", beta, positive, "strength of the tie to the reference");
        optimizer.fields(visit);
    }
};

// [online_kto]
struct OnlineKtoConfig {
    OnlineConfig online;
    double beta = 0.1, lambda_desirable = 1.0, lambda_undesirable = 1.0;
    OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(FieldVisitor& visit) {
        online.fields(visit);
        visit("beta", beta, positive, "strength of the tie to the reference");
        visit("lambda_desirable", lambda_desirable, non_negative, "weight of desirable examples");
        visit("lambda_undesirable", lambda_undesirable, non_negative, "weight of undesirable examples");
        optimizer.fields(visit);
    }
};

}  // namespace alignsweep::config
