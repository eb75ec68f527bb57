// SPDX-License-Identifier: Apache-2.0
#include "sweep/plan.hpp"
#include "kinds/kinds.hpp"

#include "config/values.hpp"

#include <algorithm>
#include <utility>

namespace alignsweep::sweep {

namespace {

using Inputs = std::map<std::string, std::string>;

// Adds the stages of one trial, step by step along its life.
class Life {
public:
    Life(Plan& plan, config::TrialPoint const& point)
        : plan_(plan), point_(point), real_(!point.config.get<config::DataConfig>().preferences.empty()) {
        corpus = add("corpus", {});
        pretrain = add("pretrain", {{"corpus", corpus}});
        sft = add("sft", {{"corpus", corpus}, {"pretrain", pretrain}});
        Inputs feedback_inputs{{"corpus", corpus}};
        if (!real_) { feedback_inputs["sft"] = sft; }  // real feedback is read, not sampled
        feedback = add("feedback", feedback_inputs);
        Inputs const reward_inputs{{"corpus", corpus}, {"sft", sft}, {"feedback", feedback}};
        reward_model = own_reward_model(reward_inputs);
        if (real_) { gold = add("gold_reward_model", reward_inputs); }
        sft_evaluation = evaluation(sft, "");
    }

    std::string align() {
        if (point_.method == "rlhf") {
            auto const& rlhf = point_.config.get<config::RlhfConfig>();
            bool const gold_reward = rlhf.reward == config::EpisodeReward::gold;
            Inputs inputs{{"sft", sft}, {"feedback", feedback}};
            if (!gold_reward) { inputs["reward_model"] = reward_model; }
            if (gold_reward || rlhf.ptx_coef > 0.0) { inputs["corpus"] = corpus; }
            return add("rlhf", inputs);
        }
        if (point_.method == "best_of_n") { return add("best_of_n", {{"sft", sft}}); }
        if (point_.method == "online_dpo") { return online(point_.config.get<config::OnlineDpoConfig>().online.judge); }
        if (point_.method == "online_kto") { return online(point_.config.get<config::OnlineKtoConfig>().online.judge); }
        std::string const reference = add("reference", {{"sft", sft}, {"feedback", feedback}});
        return add(point_.method, {{"sft", sft}, {"feedback", feedback}, {"reference", reference}});
    }

    // The row of a model: its evaluation, and the proxy reward of its answers.
    Trial row(std::string const& method, std::string const& model_stage) {
        Trial trial;
        trial.method = method;
        trial.seed = point_.seed;
        trial.axes = point_.axes;
        trial.text_axes = point_.text_axes;
        trial.model_stage = model_stage;
        trial.evaluate_stage = model_stage == sft ? sft_evaluation : evaluation(model_stage, sft_evaluation);
        trial.proxy_stage = add("proxy", {{"evaluate", trial.evaluate_stage}, {"reward_model", reward_model}});
        // The best of n samples has no policy of its own.
        bool const aligned = model_stage != pretrain && model_stage != sft && method != "best_of_n";
        if (aligned && point_.config.get<config::TokenValuesConfig>().prompts > 0) {
            trial.token_stage =
                add("token_values",
                    {{"corpus", corpus}, {"model", model_stage}, {"sft", sft}, {"reward_model", reward_model}});
        }
        collect(trial.evaluate_stage, trial.stages);
        return trial;
    }

    std::string corpus, pretrain, sft, feedback, reward_model, gold, sft_evaluation;

private:
    std::string add(std::string const& kind, Inputs const& inputs) { return add(kind, inputs, point_.config); }
    std::string add(std::string const& kind, Inputs const& inputs, config::Config const& config) {
        auto spec = kinds::make_stage(kind, config, point_.seed, inputs);
        std::string const id = spec.id();
        plan_.stages.emplace(id, std::move(spec));
        return id;
    }
    // A reward model of another size than the policy's starts from an SFT model of that size, which reads the same
    // text: the one that a trial with that [model] has as well.
    std::string own_reward_model(Inputs inputs) {
        config::Config config = point_.config;
        config.edit<config::ModelConfig>() = config::reward_model_size(config);
        std::string const own = add("pretrain", {{"corpus", corpus}}, config);
        inputs["sft"] = add("sft", {{"corpus", corpus}, {"pretrain", own}}, config);
        return add("reward_model", inputs, config);
    }
    // The judge is the reward model, or reads answers as the world does.
    std::string online(config::Judge judge) {
        Inputs inputs{{"sft", sft}, {"feedback", feedback}};
        if (judge == config::Judge::reward_model) {
            inputs["reward_model"] = reward_model;
        } else {
            inputs["corpus"] = corpus;
        }
        return add(point_.method, inputs);
    }
    std::string evaluation(std::string const& model, std::string const& baseline) {
        Inputs inputs{{"corpus", corpus}, {"model", model}, {"sft", sft}};
        if (!baseline.empty()) { inputs["baseline"] = baseline; }
        if (real_) {
            inputs["feedback"] = feedback;
            inputs["gold"] = gold;
        }
        if (plan_.stages.at(model).kind == "best_of_n") { inputs["reward_model"] = reward_model; }
        return add("evaluate", inputs);
    }
    void collect(std::string const& id, std::set<std::string>& into) const {
        if (!into.insert(id).second) { return; }
        for (auto const& [role, input] : plan_.stages.at(id).inputs) { collect(input, into); }
    }

    Plan& plan_;
    config::TrialPoint const& point_;
    bool real_;
};

double chain(Plan& plan, std::map<std::string, std::vector<std::string>> const& users, std::string const& id) {
    auto const known = plan.priority.find(id);
    if (known != plan.priority.end()) { return known->second; }
    double longest = 0.0;
    auto const found = users.find(id);
    if (found != users.end()) {
        for (std::string const& user : found->second) { longest = std::max(longest, chain(plan, users, user)); }
    }
    return plan.priority[id] = longest + kinds::estimate(plan.stages.at(id)).flops + 1.0;
}

// Rows in the order in which they were first added, found by what makes a row: its method and its evaluation.
class Rows {
public:
    // Adds a row, or finds that it stands already: then the axes on which the two differ do not reach its model, and
    // the row loses them (NaN in the results: the axis does not apply). Where they reach a side stage (by the proxy,
    // say), the row's would be one of several: it has none.
    void add(Trial trial) {
        auto const [place, is_new] = index_.try_emplace({trial.method, trial.evaluate_stage}, rows_.size());
        if (is_new) {
            rows_.push_back(std::move(trial));
            return;
        }
        Trial& same = rows_[place->second];
        if (same.proxy_stage != trial.proxy_stage) { same.proxy_stage.clear(); }
        if (same.token_stage != trial.token_stage) { same.token_stage.clear(); }
        std::erase_if(same.axes, [&](auto const& axis) {
            auto const other = trial.axes.find(axis.first);
            bool const differs = other == trial.axes.end() || other->second != axis.second;
            if (differs) { same.text_axes.erase(axis.first); }
            return differs;
        });
    }
    [[nodiscard]] std::vector<Trial> const& all() const { return rows_; }

private:
    std::vector<Trial> rows_;
    std::map<std::pair<std::string, std::string>, std::size_t> index_;
};

}  // namespace

Plan make_plan(config::SweepSpec const& sweep) {
    Plan plan;
    Rows base, sft, methods;
    for (config::TrialPoint const& point : sweep.trials) {
        Life life(plan, point);
        base.add(life.row("base", life.pretrain));
        sft.add(life.row("sft", life.sft));
        methods.add(life.row(point.method, life.align()));
    }
    for (Rows const* rows : {&base, &sft, &methods}) {
        plan.trials.insert(plan.trials.end(), rows->all().begin(), rows->all().end());
    }
    std::set<std::string> sides;
    for (Trial const& trial : plan.trials) { sides.insert({trial.proxy_stage, trial.token_stage}); }
    std::erase_if(plan.stages, [&](auto const& stage) {
        bool const side = stage.second.kind == "proxy" || stage.second.kind == "token_values";
        return side && !sides.contains(stage.first);
    });
    std::map<std::string, std::vector<std::string>> users;
    for (auto const& [id, spec] : plan.stages) {
        for (auto const& [role, input] : spec.inputs) { users[input].push_back(id); }
    }
    for (auto const& [id, spec] : plan.stages) { chain(plan, users, id); }
    return plan;
}

}  // namespace alignsweep::sweep
