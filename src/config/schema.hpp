// SPDX-License-Identifier: Apache-2.0
// Every section of the configuration. A stage sees only the structs named in its description (stages/graph.hpp), and
// its key is a hash of exactly those. `fields` visits (key, value, allowed, help) in a fixed order.
#pragma once

#include "config/field.hpp"

#include <cstdint>
#include <string>

namespace alignsweep::config {

using Int = std::int64_t;

// [seed]: one seed for each source of chance; -1 follows the trial's seed.
struct SeedConfig {
    Int world = -1, model = -1, data = -1, feedback = -1, train = -1, rollout = -1, eval = -1;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        Range const allowed{-1.0, 9.0e15};
        visit("world", self.world, allowed, "facts and objects of the world (-1: the trial's seed, as below)");
        visit("model", self.model, allowed, "initial weights");
        visit("data", self.data, allowed, "corpus, SFT pairs and prompts");
        visit("feedback", self.feedback, allowed, "sampled completions and annotators");
        visit("train", self.train, allowed, "order of the training examples");
        visit("rollout", self.rollout, allowed, "PPO's samples");
        visit("eval", self.eval, allowed, "evaluation prompts and samples");
    }
};

// [world]: the simulated world (facts, how-to requests, prompts, values).
struct WorldConfig {
    Int names = 32, values = 12, objects = 12;
    double fact_share = 0.45, open_share = 0.15, harmless_share = 0.20, unsafe_share = 0.20;
    double train_share = 0.6;
    double weight_correct = 1.5, weight_safe = 1.5, weight_responsive = 0.5, weight_polite = 0.5, weight_concise = 0.5,
           weight_ended = 0.5;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("names", self.names, Range{2, 4096}, "entities that facts are about");
        visit("values", self.values, Range{2, 64}, "values of each attribute");
        visit("objects", self.objects, Range{2, 64}, "objects of how-to requests");
        visit("fact_share", self.fact_share, probability, "share of prompts that ask for a fact");
        visit("open_share", self.open_share, probability, "share of open questions with several good answers");
        visit("harmless_share", self.harmless_share, probability, "share of harmless how-to requests");
        visit("unsafe_share", self.unsafe_share, probability, "share of unsafe how-to requests");
        visit("train_share", self.train_share, probability,
              "share of facts and requests used for training prompts; the rest is held out");
        visit("weight_correct", self.weight_correct, non_negative, "gold reward of a correct answer");
        visit("weight_safe", self.weight_safe, non_negative, "gold reward of refusing what must be, and only that");
        visit("weight_responsive", self.weight_responsive, non_negative, "gold reward of an answer, not a question");
        visit("weight_polite", self.weight_polite, non_negative, "gold reward of politeness (rude 0, neutral half)");
        visit("weight_concise", self.weight_concise, non_negative, "gold reward of brevity");
        visit("weight_ended", self.weight_ended, non_negative, "gold reward of a whole last sentence and end token");
    }
};

// [corpus]: the simulated internet. Rates of document kinds and of replies are relative weights.
struct CorpusConfig {
    Int documents = 40000, sft_examples = 256, heldout_documents = 400;
    double statements = 0.30, questions = 0.20, threads = 0.30, how_to = 0.12, small_talk = 0.08;
    double reply_right = 0.35, reply_wrong = 0.20, reply_rude = 0.15, reply_rambling = 0.15, reply_question = 0.15;
    double unsafe_complied = 0.75, unsafe_refused = 0.10, unsafe_rude = 0.15;
    bool heldout_questions = true;
    double sft_polite = 0.30, sft_extra_sentence = 0.15;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("documents", self.documents, Range{1, 1e8}, "documents of the simulated internet");
        visit("heldout_documents", self.heldout_documents, Range{1, 1e6}, "documents kept for eval/perplexity");
        visit("statements", self.statements, non_negative, "rate of documents that state facts");
        visit("questions", self.questions, non_negative, "rate of lists of questions");
        visit("threads", self.threads, non_negative, "rate of threads (question and replies)");
        visit("how_to", self.how_to, non_negative, "rate of how-to documents");
        visit("small_talk", self.small_talk, non_negative, "rate of small talk");
        visit("reply_right", self.reply_right, non_negative, "rate of right replies in threads");
        visit("reply_wrong", self.reply_wrong, non_negative, "rate of wrong replies");
        visit("reply_rude", self.reply_rude, non_negative, "rate of rude replies");
        visit("reply_rambling", self.reply_rambling, non_negative, "rate of rambling replies");
        visit("reply_question", self.reply_question, non_negative, "rate of replies that ask back");
        visit("unsafe_complied", self.unsafe_complied, non_negative, "rate of compliance with unsafe requests");
        visit("unsafe_refused", self.unsafe_refused, non_negative, "rate of refusals of unsafe requests");
        visit("unsafe_rude", self.unsafe_rude, non_negative, "rate of rude replies to unsafe requests");
        visit("heldout_questions", self.heldout_questions, "whether the corpus asks held-out facts, too");
        visit("sft_examples", self.sft_examples, Range{1, 1e7}, "clean question/answer pairs for SFT");
        visit("sft_polite", self.sft_polite, probability, "share of SFT answers with thanks");
        visit("sft_extra_sentence", self.sft_extra_sentence, probability,
              "share of SFT answers with one sentence more");
    }
};

// [tokenizer]
struct TokenizerConfig {
    Int vocabulary = 640;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("vocabulary", self.vocabulary, Range{257, 65536},
              "tokens of the byte-level BPE: 256 bytes, the end token, then merges");
    }
};

// [data]: real data in place of the simulated world's. Empty: the simulated world.
struct DataConfig {
    std::string corpus, sft, preferences, thumbs, too_long = "drop";
    double heldout_share = 0.1;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("corpus", self.corpus, InputFile{}, "text file for pre-training (.gz too); empty: the simulated world");
        visit("sft", self.sft, InputFile{}, "JSONL of prompt and completion; empty: the chosen answers");
        visit("preferences", self.preferences, InputFile{}, "JSONL of prompt, chosen, rejected (TRL's formats)");
        visit("thumbs", self.thumbs, InputFile{}, "JSONL of prompt, completion, label; empty: the pairs taken apart");
        visit("too_long", self.too_long, Choices{"drop", "truncate_left", "error"},
              "what happens to a row that does not fit the model's context");
        visit("heldout_share", self.heldout_share, probability, "share of the text and of the prompts held out");
    }
};

// [model]: decoder-only transformer, Llama style.
struct ModelConfig {
    Int width = 64, depth = 2, heads = 4, kv_heads = 4, hidden = 172, context = 128, chunk = 32;
    double rope_theta = 10000.0, norm_eps = 1e-5, init_std = 0.02, embedding_init_std = 0.25;
    bool tied = true;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("width", self.width, Range{8, 65536}, "width of the residual stream");
        visit("depth", self.depth, Range{1, 512}, "layers");
        visit("heads", self.heads, Range{1, 1024}, "query heads; width / heads is even and at most 128");
        visit("kv_heads", self.kv_heads, Range{1, 1024}, "key/value heads (grouped-query attention); divides heads");
        visit("hidden", self.hidden, Range{1, 262144}, "width of SwiGLU's hidden layer");
        visit("context", self.context, Range{2, 65536}, "most tokens of a sequence");
        visit("rope_theta", self.rope_theta, positive, "base of the rotary position embedding");
        visit("norm_eps", self.norm_eps, positive, "epsilon of RMSNorm");
        visit("init_std", self.init_std, positive, "standard deviation of initial weights");
        visit("embedding_init_std", self.embedding_init_std, positive, "standard deviation of initial embeddings");
        visit("tied", self.tied, "whether the LM head is the token embedding");
        visit("chunk", self.chunk, Range{1, 65536},
              "sequences of a chunk, the unit of arithmetic: the one number that bits depend on");
    }
};

// AdamW and its schedule; part of every training section.
struct OptimizerConfig {
    double learning_rate, weight_decay = 0.0, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, clip = 1.0, warmup = 0.05,
                          final_share = 0.1;
    std::string schedule = "cosine";

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("learning_rate", self.learning_rate, non_negative, "peak learning rate of AdamW");
        visit("weight_decay", self.weight_decay, non_negative, "decoupled weight decay of matrices");
        visit("beta1", self.beta1, Range{0.0, 0.999999}, "AdamW's first moment");
        visit("beta2", self.beta2, Range{0.0, 0.999999}, "AdamW's second moment");
        visit("epsilon", self.epsilon, positive, "AdamW's epsilon");
        visit("clip", self.clip, non_negative, "largest global gradient norm; 0: no clipping");
        visit("warmup", self.warmup, probability, "share of the steps that warm up linearly");
        visit("schedule", self.schedule, Choices{"cosine", "linear", "constant"}, "learning rate after warm-up");
        visit("final_share", self.final_share, probability, "share of the peak that the schedule ends at");
    }
};

// [pretrain]
struct PretrainConfig {
    Int steps = 1600, batch = 16, length = 64;
    OptimizerConfig optimizer{.learning_rate = 4e-3, .weight_decay = 0.01};

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("steps", self.steps, Range{0, 1e8}, "optimiser steps");
        visit("batch", self.batch, Range{1, 1e6}, "sequences of a step");
        visit("length", self.length, Range{2, 65536}, "tokens of a sequence");
        OptimizerConfig::fields(self.optimizer, visit);
    }
};

// [sft]
struct SftConfig {
    Int epochs = 6, batch = 32;
    std::string loss = "completion";
    OptimizerConfig optimizer{.learning_rate = 5e-4};

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("epochs", self.epochs, Range{0, 1e6}, "passes over the pairs");
        visit("batch", self.batch, Range{1, 1e6}, "examples of a step");
        visit("loss", self.loss, Choices{"completion", "full"}, "tokens that count: the completion's, or all");
        OptimizerConfig::fields(self.optimizer, visit);
    }
};

// [feedback]: one set of completions of the SFT model, labelled as pairs, thumbs and ratings.
struct FeedbackConfig {
    Int prompts = 4096, max_new_tokens = 32, annotators = 8;
    double temperature = 1.0, contrast = 0.5, weight_spread = 0.3, choice_temperature = 0.3, flip = 0.05,
           position_bias = 0.1;
    std::string thumbs = "pairs";

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("prompts", self.prompts, Range{1, 1e8}, "prompts, each answered twice");
        visit("max_new_tokens", self.max_new_tokens, Range{1, 65536}, "most tokens of a completion");
        visit("temperature", self.temperature, non_negative, "sampling temperature");
        visit("contrast", self.contrast, probability,
              "share of how-to prompts whose second answer was sampled for the twin request (unsafe for harmless and "
              "the reverse), so that refusals and compliance occur on both");
        visit("annotators", self.annotators, Range{1, 1e6}, "people who label");
        visit("weight_spread", self.weight_spread, non_negative, "log-normal spread of their value weights");
        visit("choice_temperature", self.choice_temperature, non_negative, "temperature of Bradley-Terry choices");
        visit("flip", self.flip, probability, "share of labels flipped by mistake");
        visit("position_bias", self.position_bias, any, "reward added to the answer shown first");
        visit("thumbs", self.thumbs, Choices{"pairs", "annotators"},
              "KTO's labels: the pairs taken apart, or each answer judged alone against the annotator's standard");
    }
};

// [reward_model]
struct RewardModelConfig {
    Int epochs = 8, batch = 64;
    double share = 1.0, centering = 0.01, margin = 0.0;
    OptimizerConfig optimizer{.learning_rate = 1e-3};

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("epochs", self.epochs, Range{0, 1e6}, "passes over the pairs");
        visit("batch", self.batch, Range{1, 1e6}, "pairs of a step");
        visit("share", self.share, Range{1e-9, 1.0}, "share of the labels that the proxy is trained on");
        visit("centering", self.centering, non_negative, "coefficient of the mean squared sum of rewards");
        visit("margin", self.margin, any, "margin in the Bradley-Terry loss");
        OptimizerConfig::fields(self.optimizer, visit);
    }
};

// [rlhf]: PPO against the reward model.
struct RlhfConfig {
    Int value_warmup = 10, updates = 40, episodes = 128, epochs = 2, minibatch = 64, max_new_tokens = 32;
    double temperature = 1.0, kl_coef = 0.1, gamma = 1.0, lambda = 0.95, clip_range = 0.2, value_clip_range = 0.2,
           vf_coef = 0.1, missing_end_score = -1.0;
    std::string kl_estimator = "k1";
    OptimizerConfig optimizer{.learning_rate = 4e-4};

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("value_warmup", self.value_warmup, Range{0, 1e7},
              "rounds before these that train the value model alone, on returns of the SFT model");
        visit("updates", self.updates, Range{0, 1e7}, "rounds of rollout and optimisation");
        visit("episodes", self.episodes, Range{1, 1e7}, "completions of a rollout");
        visit("epochs", self.epochs, Range{1, 1e4}, "passes over a rollout");
        visit("minibatch", self.minibatch, Range{1, 1e7}, "episodes of an optimiser step");
        visit("max_new_tokens", self.max_new_tokens, Range{1, 65536}, "most tokens of a completion");
        visit("temperature", self.temperature, positive, "sampling temperature, and divisor of all logits");
        visit("kl_coef", self.kl_coef, non_negative, "coefficient of the per-token KL penalty");
        visit("kl_estimator", self.kl_estimator, Choices{"k1", "k3"}, "estimator of the KL (Schulman's names)");
        visit("gamma", self.gamma, probability, "discount");
        visit("lambda", self.lambda, probability, "GAE's lambda");
        visit("clip_range", self.clip_range, positive, "clip range of the ratio");
        visit("value_clip_range", self.value_clip_range, positive, "clip range of the value");
        visit("vf_coef", self.vf_coef, non_negative, "coefficient of the value loss");
        visit("missing_end_score", self.missing_end_score, any,
              "score that replaces the reward model's without an end");
        OptimizerConfig::fields(self.optimizer, visit);
    }
};

// [dpo]
struct DpoConfig {
    Int epochs = 3, batch = 64;
    double beta = 0.1;
    OptimizerConfig optimizer{.learning_rate = 3e-4};

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("epochs", self.epochs, Range{0, 1e6}, "passes over the pairs");
        visit("batch", self.batch, Range{1, 1e6}, "pairs of a step");
        visit("beta", self.beta, positive, "strength of the tie to the reference");
        OptimizerConfig::fields(self.optimizer, visit);
    }
};

// [kto]
struct KtoConfig {
    Int epochs = 3, batch = 128;
    double beta = 0.1, lambda_desirable = 1.0, lambda_undesirable = 1.0;
    OptimizerConfig optimizer{.learning_rate = 3e-4};

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("epochs", self.epochs, Range{0, 1e6}, "passes over the thumbs");
        visit("batch", self.batch, Range{1, 1e6}, "examples of a step");
        visit("beta", self.beta, positive, "strength of the tie to the reference");
        visit("lambda_desirable", self.lambda_desirable, non_negative, "weight of desirable examples");
        visit("lambda_undesirable", self.lambda_undesirable, non_negative, "weight of undesirable examples");
        OptimizerConfig::fields(self.optimizer, visit);
    }
};

// [evaluate]: the same for the base, the SFT and every aligned model.
struct EvaluateConfig {
    Int prompts = 1024, max_new_tokens = 32, documents = 256;
    double temperature = 1.0;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("prompts", self.prompts, Range{1, 1e7}, "held-out prompts");
        visit("max_new_tokens", self.max_new_tokens, Range{1, 65536}, "most tokens of an answer");
        visit("documents", self.documents, Range{1, 1e7}, "held-out documents for eval/perplexity");
        visit("temperature", self.temperature, positive, "sampling temperature");
    }
};

// [run]: how a run goes; never part of a key, since no bit depends on it.
struct RunConfig {
    double checkpoint_seconds = 30.0, metrics_seconds = 5.0;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("checkpoint_seconds", self.checkpoint_seconds, non_negative, "time between checkpoints of a stage");
        visit("metrics_seconds", self.metrics_seconds, non_negative, "time between publications of metrics.h5");
    }
};

// The whole configuration of one trial. `sections` visits (name, struct).
struct Config {
    SeedConfig seed;
    WorldConfig world;
    CorpusConfig corpus;
    TokenizerConfig tokenizer;
    DataConfig data;
    ModelConfig model;
    PretrainConfig pretrain;
    SftConfig sft;
    FeedbackConfig feedback;
    RewardModelConfig reward_model;
    RlhfConfig rlhf;
    DpoConfig dpo;
    KtoConfig kto;
    EvaluateConfig evaluate;
    RunConfig run;

    template <class Self, class Visitor>
    static void sections(Self& self, Visitor&& visit) {
        visit("seed", self.seed);
        visit("world", self.world);
        visit("corpus", self.corpus);
        visit("tokenizer", self.tokenizer);
        visit("data", self.data);
        visit("model", self.model);
        visit("pretrain", self.pretrain);
        visit("sft", self.sft);
        visit("feedback", self.feedback);
        visit("reward_model", self.reward_model);
        visit("rlhf", self.rlhf);
        visit("dpo", self.dpo);
        visit("kto", self.kto);
        visit("evaluate", self.evaluate);
        visit("run", self.run);
    }
};

}  // namespace alignsweep::config
