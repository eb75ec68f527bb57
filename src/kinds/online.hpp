// SPDX-License-Identifier: Apache-2.0
// The sections of online_dpo and online_kto.
#pragma once

#include "config/schema.hpp"
#include "sources/labels.hpp"

namespace alignsweep::kinds {

// What online DPO and online KTO share: fresh samples of the policy, labelled by a judge, one step each.
struct OnlineConfig {
    config::Int updates = 80, prompts = 64, max_new_tokens = 32;
    double temperature = 1.0, beta = 0.1;
    sources::Judge judge = sources::Judge::reward_model;

    void fields(config::FieldVisitor& visit) {
        visit("updates", updates, {0, 1e7}, "rounds of sampling, judging and one optimiser step");
        visit("prompts", prompts, {1, 1e7}, "prompts of a round, each answered twice");
        visit("max_new_tokens", max_new_tokens, {1, 65536}, "most tokens of a completion");
        visit("temperature", temperature, config::positive, "sampling temperature");
        visit("judge", judge, config::Choices{"reward_model", "gold", "annotators"}, "who compares the two answers");
        visit("beta", beta, config::positive, "strength of the tie to the reference");
    }
};

// [online_dpo]
struct OnlineDpoConfig {
    OnlineConfig online;
    config::OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(config::FieldVisitor& visit) {
        online.fields(visit);
        optimizer.fields(visit);
    }
};

// [online_kto]
struct OnlineKtoConfig {
    OnlineConfig online;
    double lambda_desirable = 1.0, lambda_undesirable = 1.0;
    config::OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(config::FieldVisitor& visit) {
        online.fields(visit);
        visit("lambda_desirable", lambda_desirable, config::non_negative, "weight of desirable examples");
        visit("lambda_undesirable", lambda_undesirable, config::non_negative, "weight of undesirable examples");
        optimizer.fields(visit);
    }
};

}  // namespace alignsweep::kinds
