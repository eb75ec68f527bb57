// SPDX-License-Identifier: Apache-2.0
// The code of each stage kind, one file each; registry.cpp lists them.
#pragma once

#include "stages/context.hpp"

namespace alignsweep::kinds {

void run_corpus(stages::Context& context);
void run_pretrain(stages::Context& context);
void run_sft(stages::Context& context);
void run_feedback(stages::Context& context);
void run_reference(stages::Context& context);
void run_reward_model(stages::Context& context);
void run_rlhf(stages::Context& context);
void run_dpo(stages::Context& context);
void run_kto(stages::Context& context);
void run_best_of_n(stages::Context& context);
void run_online_dpo(stages::Context& context);
void run_online_kto(stages::Context& context);
void run_evaluate(stages::Context& context);
void run_proxy(stages::Context& context);
void run_token_values(stages::Context& context);

// Refuses a configuration whose keys that stage would ignore or cannot act on: ConfigError.
void check_dpo(config::Config const& config);

}  // namespace alignsweep::kinds
