// SPDX-License-Identifier: Apache-2.0
// The sections of the configuration. A stage's key is a hash of the sections that its kind reads (stages/registry.cpp).
#pragma once

#include "config/config.hpp"
#include "config/method_sections.hpp"
#include "config/world_sections.hpp"

namespace alignsweep::config {

// [evaluate]: the same for the base, the SFT and every aligned model.
struct EvaluateConfig {
    Int prompts = 1024, max_new_tokens = 32, documents = 256;
    double temperature = 1.0;

    void fields(FieldVisitor& visit) {
        visit("prompts", prompts, Range{1, 1e7}, "held-out prompts");
        visit("max_new_tokens", max_new_tokens, Range{1, 65536}, "most tokens of an answer");
        visit("documents", documents, Range{1, 1e7}, "held-out documents for eval/perplexity");
        visit("temperature", temperature, positive, "sampling temperature");
    }
};

// [token_values]: what each token's reward, value and implicit reward are worth beside the exact value of the answer so
// far; a side stage of the methods that train a policy.
struct TokenValuesConfig {
    Int prompts = 0, continuations = 32;

    void fields(FieldVisitor& visit) {
        visit("prompts", prompts, Range{0, 1e6},
              "held-out prompts whose answers are valued token by token (0: none; enumerable world: any takes all)");
        visit("continuations", continuations, Range{2, 1e6},
              "samples from each beginning of an answer (the enumerable world lists them instead)");
    }
};

// [run]: how a run goes; never part of a key, since no bit depends on it.
struct RunConfig {
    double checkpoint_seconds = 30.0, metrics_seconds = 5.0;

    void fields(FieldVisitor& visit) {
        visit("checkpoint_seconds", checkpoint_seconds, non_negative, "time between checkpoints of a stage");
        visit("metrics_seconds", metrics_seconds, non_negative, "time between publications of metrics.h5");
    }
};

}  // namespace alignsweep::config
