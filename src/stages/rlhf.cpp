// SPDX-License-Identifier: Apache-2.0
// rlhf: PPO against the reward model, with a value model of its own that starts from the reward model.
#include "core/error.hpp"
#include "data/order.hpp"
#include "methods/ppo.hpp"
#include "model/generate.hpp"
#include "stages/artifacts.hpp"
#include "stages/loop.hpp"
#include "stages/reward.hpp"
#include "stages/runs.hpp"
#include "stages/trainer.hpp"

#include <algorithm>
#include <limits>

namespace alignsweep::stages {

namespace {

// All models that PPO holds: policy and value in training, reference and reward fixed.
class PpoRun {
public:
    explicit PpoRun(Context& context)
        : context_(context),
          config_(context.config.rlhf),
          chunk_(static_cast<int>(context.config.model.chunk)),
          policy_(load_model(context.input("sft"))),
          reference_(load_model(context.input("sft"))),
          value_(load_model(context.input("reward_model"))),
          reward_(context.input("reward_model"), chunk_),
          policy_trainer_(policy_, config_.optimizer, chunk_),
          value_trainer_(value_, config_.optimizer, chunk_) {
        for (auto const& prompt : load_feedback(context.input("feedback")).prompts) {
            bool const room =
                static_cast<config::Int>(prompt.tokens.size()) + config_.max_new_tokens <= context.config.model.context;
            if (!prompt.heldout && room) { prompts_.push_back(prompt.tokens); }
        }
        if (prompts_.empty()) {
            throw core::ConfigError("rlhf: no training prompt leaves room for rlhf.max_new_tokens in model.context");
        }
    }

    void run() {
        std::map<std::string, double> state{{"num_tokens", 0.0}, {"policy_tokens", 0.0}};
        std::vector<Trainee> const trainees{{"", &policy_, &policy_trainer_.optimizer()},
                                            {"value.", &value_, &value_trainer_.optimizer()}};
        run_steps(context_, trainees, state, rounds(), [&](std::int64_t update) {
            double const trained = policy_trainer_.trained_tokens();
            auto metrics = one_update(update);
            state["num_tokens"] += rollout_tokens_;
            state["policy_tokens"] += policy_trainer_.trained_tokens() - trained;
            metrics["num_tokens"] = state["num_tokens"];
            return metrics;
        });
        double const tokens = state["num_tokens"];
        double const parameters = static_cast<double>(policy_.layout.parameter_count());
        auto const add_trained = [&](char const* role, double seen, double learned) {
            context_.add_cost(core::concat("tokens/", role), seen + learned);
            context_.add_cost(core::concat("flops/", role), parameters * (2.0 * seen + 6.0 * learned));
        };
        add_trained("policy", tokens, state["policy_tokens"]);
        add_trained("value", tokens, static_cast<double>(config_.epochs) * tokens);
        for (char const* role : {"reference", "reward_model"}) { add_trained(role, tokens, 0.0); }
        save_model(context_.folder(), policy_, {{"beta", config_.kl_coef}});
    }

private:
    // A value model that starts as the reward model knows only finished answers. A policy that learns from its first
    // guesses loses habits that it would have needed, so the value model starts alone, on whole returns (lambda 1)
    // of the policy as it is (Yuan et al., arXiv:2503.01491, section 4.1).
    [[nodiscard]] std::int64_t rounds() const { return config_.value_warmup + config_.updates; }
    [[nodiscard]] bool warming_up(std::int64_t update) const { return update < config_.value_warmup; }

    // Samples the episodes of an update and everything that their losses need.
    methods::Rollout roll_out(std::int64_t update, std::map<std::string, double>& metrics) {
        methods::Rollout rollout;
        auto const completions = sample(update);
        double ends = 0.0, length = 0.0, kl = 0.0, score_sum = 0.0, penalty = 0.0, surprise = 0.0;
        rollout_tokens_ = 0.0;
        for (std::size_t i = 0; i < completions.size(); ++i) {
            rollout.examples.push_back({asked_[i], completions[i].tokens});
            ends += completions[i].ended ? 1.0 : 0.0;
            length += static_cast<double>(completions[i].tokens.size());
            rollout_tokens_ += static_cast<double>(rollout.examples.back().tokens());
        }
        auto const examples = pointers(rollout.examples);
        auto const reference = token_logprobs(reference_transformer(), reference_, examples, config_.temperature,
                                              data::TargetKind::completion, chunk_);
        auto const values = token_values(value_trainer_.transformer(), value_, examples, chunk_);
        auto const scores = reward_.score(examples);
        for (std::size_t i = 0; i < completions.size(); ++i) {
            double const score = completions[i].ended ? scores[i] : config_.missing_end_score;
            rollout.episodes.push_back({completions[i].logprobs, reference[i], values[i], score, {}, {}});
            methods::estimate_advantages(rollout.episodes.back(), config_.kl_coef, config_.kl_estimator, config_.gamma,
                                         warming_up(update) ? 1.0 : config_.lambda);
            for (std::size_t t = 0; t < reference[i].size(); ++t) {
                kl += completions[i].logprobs[t] - reference[i][t];
                surprise -= completions[i].logprobs[t];
                penalty -= config_.kl_coef *
                           methods::kl_estimate(completions[i].logprobs[t], reference[i][t], config_.kl_estimator);
            }
            score_sum += score;
        }
        methods::whiten_advantages(rollout.episodes);
        double const count = static_cast<double>(completions.size());
        metrics["objective/kl"] = kl / count;
        metrics["objective/entropy"] = surprise / count;
        metrics["objective/scores"] = score_sum / count;
        metrics["objective/non_score_reward"] = penalty / count;
        metrics["objective/rlhf_reward"] = (score_sum + penalty) / count;
        metrics["val/num_eos_tokens"] = ends / count;
        metrics["objective/length"] = length / count;
        return rollout;
    }

    // Every update has all its episodes, also where the prompts are few: its batch runs on into the next epoch.
    std::vector<model::Completion> sample(std::int64_t update) {
        auto const stream = context_.stream(&config::SeedConfig::rollout, "rlhf/prompts");
        auto const count = static_cast<std::int64_t>(prompts_.size());
        asked_.clear();
        std::vector<std::int32_t> rows;
        std::vector<std::int64_t> order;
        for (std::int64_t i = update * config_.episodes; i < (update + 1) * config_.episodes; ++i) {
            if (order.empty() || i % count == 0) {
                order = data::epoch_order(count, stream, static_cast<std::uint32_t>(i / count));
            }
            asked_.push_back(prompts_[static_cast<std::size_t>(order[static_cast<std::size_t>(i % count)])]);
            rows.push_back(static_cast<std::int32_t>(rows.size()));
        }
        return model::generate<Space, Real>(policy_trainer_.transformer(), policy_,
                                            {asked_,
                                             rows,
                                             {.temperature = config_.temperature},
                                             context_.stream(&config::SeedConfig::rollout, "rlhf/samples"),
                                             static_cast<std::uint32_t>(update),
                                             static_cast<int>(config_.max_new_tokens),
                                             data::end_token_of(policy_.shape.vocabulary),
                                             chunk_});
    }

    std::map<std::string, double> one_update(std::int64_t update) {
        std::map<std::string, double> metrics;
        methods::Rollout const rollout = roll_out(update, metrics);
        methods::PpoPolicy policy(rollout, config_.clip_range, config_.temperature);
        double const value_clip =
            warming_up(update) ? std::numeric_limits<double>::infinity() : config_.value_clip_range;
        methods::PpoValue value(rollout, value_clip, config_.vf_coef);
        data::BatchOrder const order(policy.size(), config_.minibatch, config_.epochs,
                                     context_.stream(&config::SeedConfig::train, core::concat("rlhf/order/", update)));
        std::map<std::string, double> sums;
        std::int64_t const per_update = order.steps(), before = config_.value_warmup * per_update;
        for (std::int64_t s = 0; s < per_update; ++s) {
            std::int64_t const step = update * per_update + s;
            auto const indices = order.indices(s);
            if (!warming_up(update)) {
                double const rate =
                    model::learning_rate(config_.optimizer, step - before, config_.updates * per_update);
                for (auto const& [name, number] : policy_trainer_.step(policy, indices, rate, step)) {
                    sums[name] += number;
                }
                metrics["learning_rate"] = rate;
            }
            double const rate = model::learning_rate(config_.optimizer, step, rounds() * per_update);
            for (auto const& [name, number] : value_trainer_.step(value, indices, rate, step)) {
                if (name.starts_with("val/")) { sums[name] += number; }
            }
        }
        sums.erase("learning_rate");
        for (auto const& [name, sum] : sums) { metrics[name] = sum / static_cast<double>(per_update); }
        if (!warming_up(update)) {
            metrics["loss"] = metrics["policy/loss_avg"] + config_.vf_coef * metrics["val/loss_avg"];
        }
        metrics["episode"] = static_cast<double>((update + 1) * config_.episodes);
        metrics["epoch"] = metrics["episode"] / static_cast<double>(prompts_.size());
        return metrics;
    }

    Transformer& reference_transformer() { return policy_trainer_.transformer(); }

    Context& context_;
    config::RlhfConfig const& config_;
    int chunk_;
    Weights policy_, reference_, value_;
    Reward reward_;
    Trainer policy_trainer_, value_trainer_;
    std::vector<Tokens> prompts_, asked_;
    double rollout_tokens_ = 0.0;  // of the last rollout
};

}  // namespace

void run_rlhf(Context& context) { PpoRun(context).run(); }

}  // namespace alignsweep::stages
