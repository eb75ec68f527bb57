// SPDX-License-Identifier: Apache-2.0
// The sections of online_dpo and online_kto.
#pragma once

#include "config/model_sections.hpp"
#include "sources/labels.hpp"

namespace alignsweep::kinds {

// What online DPO and online KTO share: fresh samples of the policy, labelled by a judge, one step each.
struct OnlineConfig {
    config::Int updates = 80, prompts = 64, max_new_tokens = 32;
    double temperature = 1.0;
    sources::Judge judge = sources::Judge::reward_model;

    void fields(config::FieldVisitor& visit) {
        visit("updates", updates, config::Range{0, 1e7}, "rounds of sampling, judging and one optimiser step");
        visit("prompts", prompts, config::Range{1, 1e7}, "prompts of a round, each answered twice");
        visit("max_new_tokens", max_new_tokens, config::Range{1, 65536}, "most tokens of a completion");
        visit("temperature", temperature, config::positive, "sampling temperature");
        visit("judge", judge, config::Choices{"reward_model", "gold", "annotators"}, "who compares the two answers");
    }
};

// [online_dpo]
struct OnlineDpoConfig {
    OnlineConfig online;
    double beta = 0.1;
    config::OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(config::FieldVisitor& visit) {
        online.fields(visit);
        visit("beta", beta, config::positive, "strength of the tie to the reference");
        optimizer.fields(visit);
    }
};

// [online_kto]
struct OnlineKtoConfig {
    OnlineConfig online;
    double beta = 0.1, lambda_desirable = 1.0, lambda_undesirable = 1.0;
    config::OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(config::FieldVisitor& visit) {
        online.fields(visit);
        visit("beta", beta, config::positive, "strength of the tie to the reference");
        visit("lambda_desirable", lambda_desirable, config::non_negative, "weight of desirable examples");
        visit("lambda_undesirable", lambda_undesirable, config::non_negative, "weight of undesirable examples");
        optimizer.fields(visit);
    }
};

}  // namespace alignsweep::kinds
