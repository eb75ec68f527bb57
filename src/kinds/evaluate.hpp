// SPDX-License-Identifier: Apache-2.0
// The section of evaluate.
#pragma once

#include "config/field.hpp"

namespace alignsweep::kinds {

// [evaluate]: the same for the base, the SFT and every aligned model.
struct EvaluateConfig {
    config::Int prompts = 1024, max_new_tokens = 32, documents = 256;
    double temperature = 1.0;

    void fields(config::FieldVisitor& visit) {
        visit("prompts", prompts, config::Range{1, 1e7}, "held-out prompts");
        visit("max_new_tokens", max_new_tokens, config::Range{1, 65536}, "most tokens of an answer");
        visit("documents", documents, config::Range{1, 1e7}, "held-out documents for eval/perplexity");
        visit("temperature", temperature, config::positive, "sampling temperature");
    }
};

}  // namespace alignsweep::kinds
