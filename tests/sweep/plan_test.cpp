// SPDX-License-Identifier: Apache-2.0
// From the trials of a sweep to the graph of stages: what is shared, what multiplies, which rows stand.
#include "sweep/plan.hpp"
#include "kinds/kinds.hpp"

#include "config/values.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace alignsweep::sweep {
namespace {

Plan plan_of(std::vector<std::string> const& settings) {
    std::vector<config::Entry> entries;
    for (auto const& setting : settings) { entries.push_back(config::parse_set(setting)); }
    return make_plan(config::expand(entries, kinds::program()));
}

int count_kind(Plan const& plan, std::string const& kind) {
    return static_cast<int>(std::count_if(plan.stages.begin(), plan.stages.end(),
                                          [&](auto const& stage) { return stage.second.kind == kind; }));
}

int count_rows(Plan const& plan, std::string const& method) {
    return static_cast<int>(std::count_if(plan.trials.begin(), plan.trials.end(),
                                          [&](auto const& trial) { return trial.method == method; }));
}

Trial const& row(Plan const& plan, std::string const& method, int which = 0) {
    for (auto const& trial : plan.trials) {
        if (trial.method == method && which-- == 0) { return trial; }
    }
    throw std::out_of_range(method);
}

TEST(Plan, MethodsShareEverythingUpToTheFeedback) {
    auto const plan = plan_of({"sweep.method=rlhf, dpo, kto"});
    for (char const* kind :
         {"corpus", "pretrain", "sft", "feedback", "reference", "reward_model", "rlhf", "dpo", "kto"}) {
        EXPECT_EQ(count_kind(plan, kind), 1) << kind;
    }
    EXPECT_EQ(count_kind(plan, "evaluate"), 5);  // base, SFT and three methods
    EXPECT_EQ(count_kind(plan, "proxy"), 5);
    EXPECT_EQ(count_kind(plan, "gold_reward_model"), 0);
    ASSERT_EQ(plan.trials.size(), 5U);
    std::vector<std::string> methods;
    for (auto const& trial : plan.trials) { methods.push_back(trial.method); }
    EXPECT_EQ(methods, (std::vector<std::string>{"base", "sft", "rlhf", "dpo", "kto"}));
    EXPECT_TRUE(row(plan, "base").model_stage.starts_with("pretrain-"));
    EXPECT_TRUE(row(plan, "kto").model_stage.starts_with("kto-"));
}

TEST(Plan, EveryInputIsAStageOfThePlan) {
    auto const plan = plan_of({"sweep.seed=1..3", "sweep.dpo.beta=0.1, 0.2"});
    for (auto const& [id, spec] : plan.stages) {
        EXPECT_EQ(id, spec.id());
        for (auto const& [role, input] : spec.inputs) {
            ASSERT_TRUE(plan.stages.contains(input)) << id << ' ' << role;
            // Longest first: what a stage needs is never less urgent than the stage itself.
            EXPECT_GT(plan.priority.at(input), plan.priority.at(id));
        }
    }
    for (auto const& trial : plan.trials) {
        for (auto const& id : trial.stages) { EXPECT_TRUE(plan.stages.contains(id)); }
        EXPECT_TRUE(trial.stages.contains(trial.model_stage));
        EXPECT_TRUE(trial.stages.contains(trial.evaluate_stage));
        // The proxy reward is measured beside the trial: DPO and KTO do not depend on a reward model.
        EXPECT_FALSE(trial.stages.contains(trial.side("proxy")));
    }
    for (auto const& id : row(plan, "dpo").stages) { EXPECT_FALSE(id.starts_with("reward_model-")) << id; }
}

TEST(Plan, AMethodsAxisMultipliesThatMethodOnly) {
    auto const plan = plan_of({"sweep.seed=1..2", "sweep.dpo.beta=0.05, 0.1, 0.5", "sweep.rlhf.kl_coef=0.1, 0.2"});
    EXPECT_EQ(count_kind(plan, "dpo"), 6);
    EXPECT_EQ(count_kind(plan, "rlhf"), 4);
    EXPECT_EQ(count_kind(plan, "kto"), 2);
    EXPECT_EQ(count_kind(plan, "feedback"), 2);
    EXPECT_EQ(count_rows(plan, "base"), 2);
    EXPECT_EQ(count_rows(plan, "sft"), 2);
    EXPECT_EQ(count_rows(plan, "kto"), 2);
    EXPECT_EQ(row(plan, "dpo", 1).axes.count("dpo.beta"), 1U);
    EXPECT_EQ(row(plan, "kto").axes.count("dpo.beta"), 0U);
    EXPECT_EQ(row(plan, "sft").axes.count("dpo.beta"), 0U);
}

TEST(Plan, BaseAndSftStandOnceForEachPointThatReachesThem) {
    auto const width = plan_of({"sweep.method=dpo", "sweep.model.width=32, 64", "sweep.seed=1..2"});
    EXPECT_EQ(count_rows(width, "base"), 4);
    EXPECT_EQ(count_rows(width, "sft"), 4);
    EXPECT_EQ(row(width, "base").axes.at("model.width"), 32.0);

    // The base model is compared with the SFT model, so SFT's settings reach its row, though not its weights.
    auto const epochs = plan_of({"sweep.method=dpo", "sweep.sft.epochs=1, 2"});
    EXPECT_EQ(count_kind(epochs, "pretrain"), 1);
    EXPECT_EQ(count_rows(epochs, "base"), 2);
    EXPECT_EQ(count_rows(epochs, "sft"), 2);
    EXPECT_EQ(row(epochs, "sft", 1).axes.at("sft.epochs"), 2.0);

    // Label noise reaches neither.
    auto const flips = plan_of({"sweep.method=kto", "sweep.feedback.flip=0, 0.2"});
    EXPECT_EQ(count_rows(flips, "kto"), 2);
    EXPECT_EQ(count_kind(flips, "pretrain"), 1);
    EXPECT_EQ(count_kind(flips, "sft"), 1);
    EXPECT_EQ(count_kind(flips, "feedback"), 2);
    EXPECT_EQ(count_rows(flips, "sft"), 1);
    EXPECT_EQ(row(flips, "sft").axes.count("feedback.flip"), 0U);
}

// DPO's row stands once for all reward models, so no one of them can say what its proxy reward is.
TEST(Plan, ARowThatSeveralProxiesCouldScoreHasNone) {
    auto const plan = plan_of({"sweep.method=rlhf, dpo", "sweep.reward_model.share=0.5, 1"});
    EXPECT_EQ(count_rows(plan, "rlhf"), 2);
    EXPECT_EQ(count_rows(plan, "dpo"), 1);
    EXPECT_EQ(row(plan, "dpo").side("proxy"), "");
    EXPECT_NE(row(plan, "rlhf", 0).side("proxy"), row(plan, "rlhf", 1).side("proxy"));
    EXPECT_EQ(count_kind(plan, "proxy"), 2);
}

// Token values are asked for; then they are measured beside the trials that train a policy.
TEST(Plan, TokenValuesAreASideStageOfTheMethodsThatTrainAPolicy) {
    EXPECT_EQ(count_kind(plan_of({"sweep.method=rlhf, dpo"}), "token_values"), 0);
    std::vector<std::string> const asked{"sweep.method=rlhf, dpo, best_of_n", "token_values.prompts=4"};
    auto const plan = plan_of(asked);
    EXPECT_EQ(count_kind(plan, "token_values"), 2);
    for (char const* method : {"base", "sft", "best_of_n"}) {
        EXPECT_EQ(row(plan, method).side("token_values"), "") << method;
    }
    auto const& trial = row(plan, "rlhf");
    EXPECT_EQ(plan.stages.at(trial.side("token_values")).inputs.at("model"), trial.model_stage);
    EXPECT_FALSE(trial.stages.contains(trial.side("token_values")));
    // Nothing else moves.
    for (auto const& [id, spec] : plan_of({"sweep.method=rlhf, dpo, best_of_n"}).stages) {
        EXPECT_TRUE(plan.stages.contains(id)) << id;
    }
    // A row whose token values could be several has none, and nobody measures them.
    auto several = asked;
    several.emplace_back("sweep.reward_model.share=0.5, 1");
    auto const shares = plan_of(several);
    EXPECT_EQ(row(shares, "dpo").side("token_values"), "");
    EXPECT_NE(row(shares, "rlhf", 0).side("token_values"), row(shares, "rlhf", 1).side("token_values"));
    EXPECT_EQ(count_kind(shares, "token_values"), 2);
}

// PPO against the gold reward asks no reward model; what reads text has the corpus.
TEST(Plan, PposInputsAreThoseOfItsVariant) {
    auto const roles = [](std::vector<std::string> const& settings) {
        auto const plan = plan_of(settings);
        std::vector<std::string> names;
        for (auto const& [role, id] : plan.stages.at(row(plan, "rlhf").model_stage).inputs) { names.push_back(role); }
        return names;
    };
    using Names = std::vector<std::string>;
    EXPECT_EQ(roles({"sweep.method=rlhf"}), (Names{"feedback", "reward_model", "sft"}));
    EXPECT_EQ(roles({"sweep.method=rlhf", "rlhf.value_model=shared"}), (Names{"feedback", "reward_model", "sft"}));
    EXPECT_EQ(roles({"sweep.method=rlhf", "rlhf.reward=gold"}), (Names{"corpus", "feedback", "sft"}));
    EXPECT_EQ(roles({"sweep.method=rlhf", "rlhf.ptx_coef=0.1"}), (Names{"corpus", "feedback", "reward_model", "sft"}));
    auto const plan = plan_of({"sweep.method=rlhf", "sweep.rlhf.reward=proxy, gold"});
    EXPECT_EQ(count_rows(plan, "rlhf"), 2);
    for (auto const& id : row(plan, "rlhf", 1).stages) { EXPECT_FALSE(id.starts_with("reward_model-")) << id; }
    EXPECT_NE(row(plan, "rlhf", 1).side("proxy"), "");  // what the proxy says of it is measured all the same
}

// A proxy of another size has its own pre-training and SFT, of which every size is made once.
TEST(Plan, TheRewardModelsSizeReachesNothingElse) {
    auto const plan = plan_of({"sweep.method=rlhf, dpo", "sweep.reward_model.width=0, 32, 64"});
    EXPECT_EQ(count_kind(plan, "corpus"), 1);
    EXPECT_EQ(count_kind(plan, "pretrain"), 2);  // 64 is the policy's width
    EXPECT_EQ(count_kind(plan, "sft"), 2);
    EXPECT_EQ(count_kind(plan, "feedback"), 1);
    EXPECT_EQ(count_kind(plan, "reward_model"), 2);
    EXPECT_EQ(count_kind(plan, "rlhf"), 2);
    EXPECT_EQ(count_kind(plan, "dpo"), 1);
    EXPECT_EQ(count_rows(plan, "sft"), 1);
    for (auto const& [id, spec] : plan.stages) {
        if (spec.kind != "reward_model" || spec.config.get<config::ModelConfig>().width != 32) { continue; }
        EXPECT_NE(spec.inputs.at("sft"), plan.stages.at(spec.inputs.at("feedback")).inputs.at("sft"));
        EXPECT_EQ(plan.stages.at(spec.inputs.at("sft")).config.get<config::ModelConfig>().heads, 2);
        EXPECT_EQ(plan.stages.at(spec.inputs.at("sft")).config.get<config::ModelConfig>().hidden, 88);
    }
    // A trial whose policy has that size shares its life with the proxy.
    auto const small =
        plan_of({"sweep.method=dpo", "model.width=32", "model.heads=2", "model.kv_heads=2", "model.hidden=88"});
    EXPECT_TRUE(plan.stages.contains(row(small, "sft").model_stage));
}

TEST(Plan, TheRewardModelsDepthStandsAlone) {
    auto const plan = plan_of({"sweep.method=rlhf", "reward_model.depth=1"});
    EXPECT_EQ(count_kind(plan, "pretrain"), 2);
    auto const& reward_model = plan.stages.at(plan.stages.at(row(plan, "rlhf").model_stage).inputs.at("reward_model"));
    EXPECT_EQ(reward_model.config.get<config::ModelConfig>().depth, 1);
    EXPECT_EQ(reward_model.config.get<config::ModelConfig>().hidden, 172);
}

TEST(Plan, BestOfNIsTheSftModelWithASelector) {
    auto const plan = plan_of({"sweep.method=best_of_n", "sweep.best_of_n.n=2, 8"});
    EXPECT_EQ(count_rows(plan, "best_of_n"), 2);
    EXPECT_EQ(count_kind(plan, "sft"), 1);
    auto const& trial = row(plan, "best_of_n");
    EXPECT_TRUE(plan.stages.at(trial.evaluate_stage).inputs.contains("reward_model"));
    EXPECT_FALSE(plan.stages.at(row(plan, "sft").evaluate_stage).inputs.contains("reward_model"));
    // The reward model's labels are part of what the answers cost.
    EXPECT_TRUE(std::any_of(trial.stages.begin(), trial.stages.end(),
                            [](auto const& id) { return id.starts_with("reward_model-"); }));
}

TEST(Plan, OnlineMethodsNeedTheRewardModelOnlyAsTheirJudge) {
    auto const plan = plan_of({"sweep.method=online_dpo, online_kto", "online_kto.judge=gold"});
    EXPECT_EQ(count_kind(plan, "reference"), 0);
    auto const inputs = [&](char const* method) { return plan.stages.at(row(plan, method).model_stage).inputs; };
    EXPECT_TRUE(inputs("online_dpo").contains("reward_model"));
    EXPECT_FALSE(inputs("online_kto").contains("reward_model"));
    EXPECT_TRUE(inputs("online_kto").contains("corpus"));
}

TEST(Plan, AddingASeedAddsOnlyItsOwnStages) {
    auto const one = plan_of({"sweep.seed=1"}), two = plan_of({"sweep.seed=1, 2"});
    for (auto const& [id, spec] : one.stages) { EXPECT_TRUE(two.stages.contains(id)) << id; }
    EXPECT_EQ(two.stages.size(), 2 * one.stages.size());
    // A world of its own seed is shared by both: only what the other seeds reach is made twice.
    auto const shared = plan_of({"sweep.seed=1, 2", "seed.world=1", "seed.data=1"});
    EXPECT_EQ(count_kind(shared, "corpus"), 1);
    EXPECT_EQ(count_kind(shared, "pretrain"), 2);
}

TEST(Plan, RunSettingsAreNoPartOfAnyKey) {
    auto const plan = plan_of({}), other = plan_of({"run.checkpoint_seconds=1", "run.metrics_seconds=0"});
    for (auto const& [id, spec] : plan.stages) { EXPECT_TRUE(other.stages.contains(id)) << id; }
}

}  // namespace
}  // namespace alignsweep::sweep
