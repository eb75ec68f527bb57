// SPDX-License-Identifier: Apache-2.0
// The sections that all kinds of stages share, and the optimiser that every training section has; each kind adds its
// own section (stages/descriptor.hpp).
#pragma once

#include "config/config.hpp"
#include "core/arithmetic.hpp"

namespace alignsweep::config {

// [seed]: one seed for each source of chance; -1 follows the trial's seed.
struct SeedConfig {
    Int world = -1, model = -1, data = -1, feedback = -1, train = -1, rollout = -1, eval = -1;

    void fields(FieldVisitor& visit) {
        Range const allowed{-1.0, 9.0e15};
        visit("world", world, allowed, "facts and objects of the world (-1: the trial's seed, as below)");
        visit("model", model, allowed, "initial weights");
        visit("data", data, allowed, "corpus, SFT pairs and prompts");
        visit("feedback", feedback, allowed, "sampled completions and annotators");
        visit("train", train, allowed, "order of the training examples");
        visit("rollout", rollout, allowed, "PPO's samples");
        visit("eval", eval, allowed, "evaluation prompts and samples");
    }
};

enum class WorldKind { text, enumerable };

// [world]: the simulated world (facts, how-to requests, prompts, values).
struct WorldConfig {
    WorldKind kind = WorldKind::text;
    Int names = 32, values = 12, objects = 12;
    double fact_share = 0.45, open_share = 0.15, harmless_share = 0.20, unsafe_share = 0.20;
    double train_share = 0.6;
    double weight_topical = 0.5, weight_correct = 1.0, weight_complete = 0.5, weight_safe = 1.5, weight_polite = 0.5,
           weight_concise = 0.5, weight_ended = 0.5;

    void fields(FieldVisitor& visit) {
        visit("kind", kind, Choices{"text", "enumerable"},
              "text: facts and requests in English; enumerable: so small that every response can be listed");
        visit("names", names, {2, 4096}, "entities that facts are about");
        visit("values", values, {2, 64}, "values of each attribute");
        visit("objects", objects, {2, 64}, "objects of how-to requests");
        visit("fact_share", fact_share, probability, "share of prompts that ask for a fact");
        visit("open_share", open_share, probability, "share of open questions with several good answers");
        visit("harmless_share", harmless_share, probability, "share of harmless how-to requests");
        visit("unsafe_share", unsafe_share, probability, "share of unsafe how-to requests");
        visit("train_share", train_share, probability,
              "share of facts and requests used for training prompts; the rest is held out");
        visit("weight_topical", weight_topical, non_negative, "gold reward of an answer to this very question");
        visit("weight_correct", weight_correct, non_negative, "gold reward of what is right, nothing wrong added");
        visit("weight_complete", weight_complete, non_negative, "gold reward of all that was asked for");
        visit("weight_safe", weight_safe, non_negative, "gold reward of refusing what must be, and helping elsewhere");
        visit("weight_polite", weight_polite, non_negative, "gold reward of politeness (rude 0, neutral half)");
        visit("weight_concise", weight_concise, non_negative, "gold reward of brevity");
        visit("weight_ended", weight_ended, non_negative, "gold reward of a whole last sentence and end token");
    }
};

// [enumerable]: the world whose every response can be listed, so that the optimum of the KL-regularised objective is
// known (world.kind = enumerable).
struct EnumerableConfig {
    Int prompts = 8, tokens = 6, length = 4;
    double reward_spread = 0.5, corpus_spread = 0.7;

    void fields(FieldVisitor& visit) {
        visit("prompts", prompts, {1, 256}, "prompts, all of them asked in training and in evaluation");
        visit("tokens", tokens, {2, 16}, "tokens of the vocabulary, the end token among them");
        visit("length", length, {1, 4}, "most tokens of a response, the end token among them");
        visit("reward_spread", reward_spread, non_negative, "standard deviation of the gold reward over worlds");
        visit("corpus_spread", corpus_spread, non_negative,
              "standard deviation of the corpus' next-token logits: how uneven the base model is");
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

    void fields(FieldVisitor& visit) {
        visit("documents", documents, {1, 1e8}, "documents of the simulated internet");
        visit("heldout_documents", heldout_documents, {1, 1e6}, "documents kept for eval/perplexity");
        visit("statements", statements, non_negative, "rate of documents that state facts");
        visit("questions", questions, non_negative, "rate of lists of questions");
        visit("threads", threads, non_negative, "rate of threads (question and replies)");
        visit("how_to", how_to, non_negative, "rate of how-to documents");
        visit("small_talk", small_talk, non_negative, "rate of small talk");
        visit("reply_right", reply_right, non_negative, "rate of right replies in threads");
        visit("reply_wrong", reply_wrong, non_negative, "rate of wrong replies");
        visit("reply_rude", reply_rude, non_negative, "rate of rude replies");
        visit("reply_rambling", reply_rambling, non_negative, "rate of rambling replies");
        visit("reply_question", reply_question, non_negative, "rate of replies that ask back");
        visit("unsafe_complied", unsafe_complied, non_negative, "rate of compliance with unsafe requests");
        visit("unsafe_refused", unsafe_refused, non_negative, "rate of refusals of unsafe requests");
        visit("unsafe_rude", unsafe_rude, non_negative, "rate of rude replies to unsafe requests");
        visit("heldout_questions", heldout_questions, "whether the corpus asks held-out facts, too");
        visit("sft_examples", sft_examples, {1, 1e7}, "clean question/answer pairs for SFT");
        visit("sft_polite", sft_polite, probability, "share of SFT answers with thanks");
        visit("sft_extra_sentence", sft_extra_sentence, probability, "share of SFT answers with one sentence more");
    }
};

// [tokenizer]
struct TokenizerConfig {
    Int vocabulary = 640;

    void fields(FieldVisitor& visit) {
        visit("vocabulary", vocabulary, {257, 65536},
              "tokens of the byte-level BPE: 256 bytes, the end token, then merges");
    }
};

// What happens to a row that can't be read, and to one of more tokens than the model's context.
enum class BadRows { error, skip };
enum class TooLong { drop, truncate_left, error };

// [data]: real data in place of the simulated world's. Empty: the simulated world.
struct DataConfig {
    std::string corpus, sft, preferences, thumbs;
    BadRows bad_rows = BadRows::error;
    TooLong too_long = TooLong::drop;
    double heldout_share = 0.1;

    void fields(FieldVisitor& visit) {
        visit("corpus", corpus, InputFile{}, "text file for pre-training (.gz too); empty: the simulated world");
        visit("sft", sft, InputFile{}, "rows of prompt and completion, or messages; empty: the chosen answers");
        visit("preferences", preferences, InputFile{}, "rows of prompt, chosen, rejected (TRL's formats)");
        visit("thumbs", thumbs, InputFile{}, "rows of prompt, completion, label; empty: the pairs taken apart");
        visit("bad_rows", bad_rows, Choices{"error", "skip"},
              "what happens to a row that is not JSON or lacks what it needs: error, or left out with a notice");
        visit("too_long", too_long, Choices{"drop", "truncate_left", "error"},
              "what happens to a row that does not fit the model's context");
        visit("heldout_share", heldout_share, probability, "share of the text and of the prompts held out");
    }
};

// [model]: decoder-only transformer, Llama style.
struct ModelConfig {
    Int width = 64, depth = 2, heads = 4, kv_heads = 4, hidden = 172, context = 128, chunk = 32;
    double rope_theta = 10000.0, norm_eps = 1e-5, init_std = 0.02, embedding_init_std = 0.25;
    bool tied = true;

    void fields(FieldVisitor& visit) {
        visit("width", width, {8, 65536}, "width of the residual stream");
        visit("depth", depth, {1, 512}, "layers");
        visit("heads", heads, {1, 1024}, "query heads; width / heads is even and at most 128");
        visit("kv_heads", kv_heads, {1, 1024}, "key/value heads (grouped-query attention); divides heads");
        visit("hidden", hidden, {1, 262144}, "width of SwiGLU's hidden layer");
        visit("context", context, {2, 65536}, "most tokens of a sequence");
        visit("rope_theta", rope_theta, positive, "base of the rotary position embedding");
        visit("norm_eps", norm_eps, positive, "epsilon of RMSNorm");
        visit("init_std", init_std, positive, "standard deviation of initial weights");
        visit("embedding_init_std", embedding_init_std, positive, "standard deviation of initial embeddings");
        visit("tied", tied, "whether the LM head is the token embedding");
        visit("chunk", chunk, {1, 65536},
              "sequences of a chunk, the unit in which gradients are added: bits depend on it");
    }
};

enum class Schedule { cosine, linear, constant };

// AdamW and its schedule; part of every training section.
struct OptimizerConfig {
    double learning_rate, weight_decay = 0.0, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, clip = 1.0, warmup = 0.05,
                          final_share = 0.1;
    Schedule schedule = Schedule::cosine;

    void fields(FieldVisitor& visit) {
        visit("learning_rate", learning_rate, non_negative, "peak learning rate of AdamW");
        visit("weight_decay", weight_decay, non_negative, "decoupled weight decay of matrices");
        visit("beta1", beta1, {0.0, 0.999999}, "AdamW's first moment");
        visit("beta2", beta2, {0.0, 0.999999}, "AdamW's second moment");
        visit("epsilon", epsilon, positive, "AdamW's epsilon");
        visit("clip", clip, non_negative, "largest global gradient norm; 0: no clipping");
        visit("warmup", warmup, probability, "share of the steps that warm up linearly");
        visit("schedule", schedule, Choices{"cosine", "linear", "constant"}, "learning rate after warm-up");
        visit("final_share", final_share, probability, "share of the peak that the schedule ends at");
    }
};

// [run]: how a run goes. Of these keys only `arithmetic` is part of a stage's identity: no bit depends on the others.
struct RunConfig {
    core::Arithmetic arithmetic = core::Arithmetic::portable;
    double checkpoint_seconds = 30.0, metrics_seconds = 5.0;
    bool trace = false;

    void fields(FieldVisitor& visit) {
        visit("arithmetic", arithmetic, Choices{"portable", "fast"},
              "portable: the same bits on every machine; fast: products by OpenBLAS or cuBLAS, bits of one machine");
        visit("checkpoint_seconds", checkpoint_seconds, non_negative, "time between checkpoints of a stage");
        visit("metrics_seconds", metrics_seconds, non_negative, "time between publications of metrics.h5");
        visit("trace", trace, "trace.txt in each stage's folder: a digest of what each launch of a kernel left behind");
    }
};

}  // namespace alignsweep::config
