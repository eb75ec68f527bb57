// SPDX-License-Identifier: Apache-2.0
// The whole configuration: every section, its fields and their defaults. A stage's key is a hash of the sections that
// its kind reads (stages/registry.cpp). `fields` visits (key, value, allowed, help) in a fixed order.
#pragma once

#include "config/method_sections.hpp"
#include "config/world_sections.hpp"

namespace alignsweep::config {

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

// [token_values]: what each token's reward, value and implicit reward are worth beside the exact value of the answer so
// far; a side stage of the methods that train a policy.
struct TokenValuesConfig {
    Int prompts = 0, continuations = 32;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
        visit("prompts", self.prompts, Range{0, 1e6},
              "held-out prompts whose answers are valued token by token (0: none; enumerable world: any takes all)");
        visit("continuations", self.continuations, Range{2, 1e6},
              "samples from each beginning of an answer (the enumerable world lists them instead)");
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
    EnumerableConfig enumerable;
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
    BestOfNConfig best_of_n;
    OnlineDpoConfig online_dpo;
    OnlineKtoConfig online_kto;
    EvaluateConfig evaluate;
    TokenValuesConfig token_values;
    RunConfig run;

    template <class Self, class Visitor>
    static void sections(Self& self, Visitor&& visit) {
        visit("seed", self.seed);
        visit("world", self.world);
        visit("enumerable", self.enumerable);
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
        visit("best_of_n", self.best_of_n);
        visit("online_dpo", self.online_dpo);
        visit("online_kto", self.online_kto);
        visit("evaluate", self.evaluate);
        visit("token_values", self.token_values);
        visit("run", self.run);
    }
};

}  // namespace alignsweep::config
