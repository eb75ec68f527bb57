// SPDX-License-Identifier: Apache-2.0
// The code of each stage kind, one file each; registry.cpp lists them.
#pragma once

#include "stages/context.hpp"

namespace alignsweep::stages {

void run_corpus(Context& context);
void run_pretrain(Context& context);
void run_sft(Context& context);
void run_feedback(Context& context);
void run_reference(Context& context);
void run_reward_model(Context& context);
void run_rlhf(Context& context);
void run_dpo(Context& context);
void run_kto(Context& context);
void run_best_of_n(Context& context);
void run_online_dpo(Context& context);
void run_online_kto(Context& context);
void run_evaluate(Context& context);
void run_proxy(Context& context);
void run_token_values(Context& context);

// Refuses a configuration whose keys that stage would ignore or cannot act on: ConfigError.
void check_dpo(config::Config const& config);

}  // namespace alignsweep::stages
