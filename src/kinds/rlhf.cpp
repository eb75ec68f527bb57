// SPDX-License-Identifier: Apache-2.0
// rlhf: PPO against the reward model or the exact gold reward. The value model is one of its own, which starts from
// the reward model (against the gold reward: from the SFT model), or a scalar head on the policy's trunk.
#include "kinds/rlhf.hpp"
#include "config/checks.hpp"
#include "data/order.hpp"
#include "kinds/pretrain.hpp"
#include "stages/descriptor.hpp"
#include "train/cost_meter.hpp"
#include "train/loop.hpp"
#include "train/trainer.hpp"

#include <limits>

namespace alignsweep::kinds {

namespace {

// The pre-training text that PPO-ptx mixes into the policy's steps: a minibatch of windows each, as pretrain cuts them.
class MixedText {
public:
    MixedText(stages::Context const& context, RlhfConfig const& config, std::int64_t steps)
        : windows_(config.ptx_coef == 0.0 ? std::vector<data::Example>() : windows_of(context)),
          loss_(windows_, config.ptx_coef),
          // An epoch has a step or more.
          order_(loss_.size(), config.minibatch, is_used() ? steps : 0,
                 context.stream(&config::SeedConfig::train, "rlhf/ptx")) {}

    [[nodiscard]] bool is_used() const { return !windows_.empty(); }
    [[nodiscard]] losses::Loss& loss() { return loss_; }
    // Of a step of the policy; the first is 0.
    [[nodiscard]] std::vector<std::int64_t> indices(std::int64_t step) const { return order_.indices(step); }

private:
    static std::vector<data::Example> windows_of(stages::Context const& context) {
        return stages::text_examples(stages::load_corpus(context.input("corpus")).train,
                                     context.section<PretrainConfig>().length);
    }

    std::vector<data::Example> windows_;
    losses::PpoTextLoss loss_;
    data::BatchOrder order_;
};

// All models that PPO holds: policy and value in training, reference and reward fixed.
class PpoRun {
public:
    explicit PpoRun(stages::Context& context)
        : context_(context),
          config_(context.section<RlhfConfig>()),
          chunk_(context.chunk()),
          shared_(config_.value_model == ValueModel::shared),
          policy_(shared_ ? sft_with_head() : infer::load_model(context.input("sft"))),
          reference_(infer::load_model(context.input("sft"))),
          policy_trainer_(policy_, config_.optimizer, chunk_),
          episodes_(context),
          steps_per_update_(data::BatchOrder(config_.episodes, config_.minibatch, config_.epochs, {0, ""}).steps()),
          text_(context, config_, config_.updates * steps_per_update_) {
        if (shared_) { return; }
        own_value_.emplace(config_.reward == EpisodeReward::gold ? sft_with_head()
                                                                 : infer::load_model(context.input("reward_model")));
        own_value_trainer_.emplace(*own_value_, config_.optimizer, chunk_);
    }

    void run() {
        std::map<std::string, double> state{{"num_tokens", 0.0}, {"policy_tokens", 0.0}, {"kl_coef", config_.kl_coef}};
        std::vector<train::Trainee> trainees{{"", &policy_, &policy_trainer_.learner()}};
        if (!shared_) { trainees.push_back({"value.", &value(), &value_trainer().learner()}); }
        train::run_steps(context_, trainees, state, rounds(),
                         [&](std::int64_t update) { return one_update(update, state); });
        add_costs(state.at("num_tokens"), state.at("policy_tokens"));
        // The policy alone; `beta`: the coefficient of the objective whose optimum it is compared with.
        infer::Weights finished = infer::load_model(context_.input("sft"));
        model::copy_shared_tensors(policy_, finished);
        infer::save_model(context_.folder(), finished, {{"beta", state.at("kl_coef")}});
        infer::save_value_model(context_.folder(), value());
    }

private:
    // A value model that starts as the reward model knows only finished answers. A policy that learns from its first
    // guesses loses habits that it would have needed, so the value model starts alone, on whole returns (lambda 1)
    // of the policy as it is (Yuan et al., arXiv:2503.01491, section 4.1). On a shared trunk this trains the scalar
    // head alone: the policy must not move before it is trained for reward.
    [[nodiscard]] std::int64_t rounds() const { return config_.value_warmup + config_.updates; }
    [[nodiscard]] bool warming_up(std::int64_t update) const { return update < config_.value_warmup; }

    [[nodiscard]] infer::Weights sft_with_head() const {
        return infer::load_model_with_head(context_.input("sft"), context_.seed(&config::SeedConfig::model));
    }
    [[nodiscard]] infer::Weights& value() { return own_value_ ? *own_value_ : policy_; }
    [[nodiscard]] train::Trainer& value_trainer() { return own_value_trainer_ ? *own_value_trainer_ : policy_trainer_; }

    [[nodiscard]] double coefficient(std::int64_t update, std::map<std::string, double> const& state) const {
        if (config_.kl_control != KlControl::annealed) { return state.at("kl_coef"); }
        double const done = static_cast<double>(std::max<std::int64_t>(0, update - config_.value_warmup)),
                     falling = config_.kl_anneal * static_cast<double>(config_.updates);
        return losses::annealed_kl_coef(config_.kl_start, config_.kl_coef, falling > 0.0 ? done / falling : 1.0);
    }

    std::map<std::string, double> one_update(std::int64_t update, std::map<std::string, double>& state) {
        std::map<std::string, double> metrics;
        double const trained = policy_trainer_.trained_tokens();
        losses::Rollout const rollout = episodes_.draw(
            update, {policy_trainer_.transformer(), policy_, reference_, value_trainer().transformer(), value()},
            {coefficient(update, state), warming_up(update) ? 1.0 : config_.lambda}, metrics);
        optimise(update, rollout, metrics);
        // In the warm-up the policy is the reference, and its KL of 0 must not move the coefficient.
        if (config_.kl_control == KlControl::adaptive && !warming_up(update)) {
            state["kl_coef"] =
                losses::adapted_kl_coef(state.at("kl_coef"), metrics.at("objective/kl"),
                                        static_cast<double>(config_.episodes), {config_.kl_target, config_.kl_horizon});
        }
        state["num_tokens"] += train::tokens_of(rollout.examples);
        state["policy_tokens"] += policy_trainer_.trained_tokens() - trained;
        metrics["num_tokens"] = state["num_tokens"];
        metrics["episode"] = static_cast<double>((update + 1) * config_.episodes);
        metrics["epoch"] = metrics["episode"] / episodes_.prompts();
        return metrics;
    }

    // The steps of an update. Metrics are means over them.
    void optimise(std::int64_t update, losses::Rollout const& rollout, std::map<std::string, double>& metrics) {
        bool const warm_up = warming_up(update);
        losses::PpoPolicyLoss policy(rollout, config_.clip_range, config_.temperature);
        double const value_clip = warm_up ? std::numeric_limits<double>::infinity() : config_.value_clip_range;
        losses::PpoValueLoss value(rollout, value_clip, config_.vf_coef);
        losses::PpoSharedLoss both(policy, value);
        losses::Loss& learner = shared_ ? static_cast<losses::Loss&>(both) : policy;
        data::BatchOrder const order(policy.size(), config_.minibatch, config_.epochs,
                                     context_.stream(&config::SeedConfig::train, core::concat("rlhf/order/", update)));
        // AdamW's moments of the head from the warm-up do not hold once the trunk moves as well.
        if (shared_ && update == config_.value_warmup) { policy_trainer_.learner().reset(); }
        std::map<std::string, double> sums;
        for (std::int64_t s = 0; s < steps_per_update_; ++s) {
            std::int64_t const step = update * steps_per_update_ + s;
            auto const indices = order.indices(s);
            if (!warm_up) {
                std::int64_t const own_step = step - config_.value_warmup * steps_per_update_;
                double const rate =
                    model::learning_rate(config_.optimizer, own_step, config_.updates * steps_per_update_);
                for (auto const& [name, number] : policy_step(learner, indices, rate, step, own_step)) {
                    sums[name] += number;
                }
                metrics["learning_rate"] = rate;
            }
            if (!warm_up && shared_) { continue; }
            double const rate = model::learning_rate(config_.optimizer, step, rounds() * steps_per_update_);
            train::Part const part{&value, indices};
            for (auto const& [name, number] : value_trainer().step(
                     std::span(&part, 1), rate, step, shared_ ? train::Trained::scalar_head : train::Trained::all)) {
                if (name.starts_with("val/")) { sums[name] += number; }
            }
        }
        sums.erase("learning_rate");
        for (auto const& [name, sum] : sums) { metrics[name] = sum / static_cast<double>(steps_per_update_); }
        if (!warm_up) {
            metrics["loss"] = metrics["policy/loss_avg"] + config_.vf_coef * metrics["val/loss_avg"];
            if (text_.is_used()) { metrics["loss"] += config_.ptx_coef * metrics["policy/ptx_loss"]; }
        }
    }

    std::map<std::string, double> policy_step(losses::Loss& learner, std::vector<std::int64_t> const& indices,
                                              double rate, std::int64_t step, std::int64_t own_step) {
        std::vector<train::Part> parts{{&learner, indices}};
        std::vector<std::int64_t> windows;
        if (text_.is_used()) {
            windows = text_.indices(own_step);
            parts.push_back({&text_.loss(), windows});
        }
        return policy_trainer_.step(parts, rate, step);
    }

    void add_costs(double tokens, double policy_tokens) {
        auto const add = [&](char const* role, infer::Weights const& weights, double seen, double learned) {
            train::add_model_cost(context_, role, weights.layout.parameter_count(), seen, learned);
        };
        add("policy", policy_, shared_ ? 2.0 * tokens : tokens, policy_tokens);
        if (!shared_) { add("value", value(), tokens, static_cast<double>(config_.epochs) * tokens); }
        add("reference", reference_, tokens, 0.0);
        if (config_.reward == EpisodeReward::proxy) {
            train::add_model_cost(context_, "reward_model", episodes_.proxy_parameters(), tokens);
        }
    }

    stages::Context& context_;
    RlhfConfig const& config_;
    int chunk_;
    bool shared_;
    infer::Weights policy_, reference_;
    std::optional<infer::Weights> own_value_;  // none on a shared trunk
    train::Trainer policy_trainer_;
    std::optional<train::Trainer> own_value_trainer_;
    PpoEpisodes episodes_;
    std::int64_t steps_per_update_;
    MixedText text_;
};

void run_rlhf(stages::Context& context) { PpoRun(context).run(); }

void validate(config::Config const& config) {
    auto const& rlhf = config.get<RlhfConfig>();
    config::check_training_completion(config, "rlhf");
    config::require(rlhf.minibatch <= rlhf.episodes, "rlhf.minibatch = ", rlhf.minibatch,
                    " is above rlhf.episodes = ", rlhf.episodes);
    config::require(
        rlhf.kl_control != KlControl::annealed || rlhf.kl_coef > 0.0,
        "rlhf.kl_coef = 0 with rlhf.kl_control = annealed: equal factors never reach 0; it must be above 0");
    // An update changes the coefficient by up to a fifth of episodes / horizon; it must stay above 0.
    double const shortest = 0.2 * static_cast<double>(rlhf.episodes);
    config::require(rlhf.kl_control != KlControl::adaptive || shortest < rlhf.kl_horizon,
                    "rlhf.kl_horizon = ", rlhf.kl_horizon, " is too short; with rlhf.episodes = ", rlhf.episodes,
                    " it must be above ", shortest);
    config::require(!config::is_real(config) || rlhf.reward == EpisodeReward::proxy,
                    "rlhf.reward = gold with data.preferences: only the simulated world has an exact gold reward; "
                    "allowed: proxy");
}

}  // namespace

stages::Descriptor describe_rlhf() {
    stages::Descriptor kind{.name = "rlhf", .version = 4, .purpose = stages::Purpose::method, .run = run_rlhf};
    kind.reads = [](stages::Reads& r) {
        r.section<RlhfConfig>().model_limits().seeds(&config::SeedConfig::train, &config::SeedConfig::rollout);
        auto const& rlhf = r.get<RlhfConfig>();
        bool const gold = rlhf.reward == EpisodeReward::gold;
        bool const mixes_text = rlhf.ptx_coef > 0.0;
        if (gold) { mixes_text ? r.world() : r.gold(); }
        bool const new_head = gold || rlhf.value_model == ValueModel::shared;
        if (new_head) { r.seeds(&config::SeedConfig::model); }
        if (mixes_text) { r.section<PretrainConfig>(); }
    };
    kind.inputs = [](config::Config const& config, stages::Descriptor const*) {
        auto const& rlhf = config.get<RlhfConfig>();
        bool const gold = rlhf.reward == EpisodeReward::gold;
        std::vector<stages::Input> inputs{{"sft", "sft"}, {"feedback", "feedback"}};
        if (!gold) { inputs.push_back({"reward_model", "reward_model"}); }
        if (gold || rlhf.ptx_coef > 0.0) { inputs.push_back({"corpus", "corpus"}); }
        return inputs;
    };
    kind.sections = {config::Section::of<RlhfConfig>("rlhf")};
    kind.validate = validate;
    kind.models = [](config::Config const& config) {
        auto const& rlhf = config.get<RlhfConfig>();
        std::vector<std::string> models{"policy", "reference"};
        if (rlhf.value_model == ValueModel::own) { models.emplace_back("value"); }
        if (rlhf.reward == EpisodeReward::proxy) { models.emplace_back("reward_model"); }
        return models;
    };
    kind.beta_key = "rlhf.kl_coef";
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        auto const& rlhf = spec.config.get<RlhfConfig>();
        double const episodes = static_cast<double>(rlhf.updates * rlhf.episodes) * lengths.example;
        stages::Work work{2.0 * static_cast<double>(rlhf.epochs) * episodes, 4.0 * episodes};
        if (rlhf.ptx_coef > 0.0) {
            auto const length = spec.config.get<PretrainConfig>().length;
            work.trained += static_cast<double>(rlhf.updates * rlhf.epochs * rlhf.episodes * length);
        }
        return work;
    };
    kind.slowness = 1.7;
    kind.entry = {
        "pairs, through a reward model",
        "max(-A rho, -A clip(rho, 1 - eps, 1 + eps)), A by GAE from score - kl_coef KL a token",
        "Schulman et al. 1707.06347, eq. 7; Ziegler et al. 1909.08593",
        {{"rlhf.reward", "proxy", "the reward model scores the episodes", "Ziegler et al. 1909.08593"},
         {"rlhf.reward", "gold", "the exact gold reward does: an oracle", "Gao et al. 2210.10760"},
         {"rlhf.kl_estimator", "k1", "log pi - log pi_ref", "Schulman, Approximating KL divergence, 2020"},
         {"rlhf.kl_estimator", "k3", "exp(-k1) - 1 + k1", "Schulman, Approximating KL divergence, 2020"},
         {"rlhf.kl_control", "fixed", "kl_coef as it is", "Ziegler et al. 1909.08593"},
         {"rlhf.kl_control", "adaptive", "kl_coef *= 1 + clip(KL / kl_target - 1, +-.2) episodes / kl_horizon",
          "Ziegler et al. 1909.08593, section 2.2"},
         {"rlhf.kl_control", "annealed", "kl_coef falls from kl_start by equal factors in the first updates", ""},
         {"rlhf.value_model", "own", "starts from the reward model", "Stiennon et al. 2009.01325"},
         {"rlhf.value_model", "shared", "a head on the policy's trunk", "Ziegler et al. 1909.08593"},
         {"rlhf.value_warmup", "N", "rounds of the value model alone", "Yuan et al. 2503.01491"},
         {"rlhf.missing_end", "replace", "missing_end_score is the score", "Ziegler et al. 1909.08593"},
         {"rlhf.missing_end", "subtract", "missing_end_penalty is taken from it", "TRL's missing_eos_penalty"},
         {"rlhf.ptx_coef", "c", "+ c times the pre-training loss", "Ouyang et al. 2203.02155, eq. 2"}}};
    kind.metrics = {{"objective/kl", store::sequence_nats, "KL of the policy to the reference, on its own samples"},
                    {"objective/entropy", store::sequence_nats, "minus the log-probability of the sampled completions"},
                    {"objective/non_score_reward", "1", "KL penalty, summed over the completion"},
                    {"objective/rlhf_reward", "1", "score plus the KL penalty"},
                    {"objective/kl_coef", "1", "coefficient of the KL penalty in this update"},
                    {"policy/loss_avg", "1", "PPO: clipped policy loss"},
                    {"policy/ptx_loss", store::token_nats, "PPO-ptx: cross-entropy of the pre-training text mixed in"},
                    {"policy/approxkl_avg", store::token_nats, "PPO: KL of the updated policy to the one that sampled"},
                    {"policy/clipfrac_avg", "1", "PPO: share of tokens whose ratio is clipped"},
                    {"policy/entropy_avg", store::token_nats, "PPO: entropy of the policy's next token"},
                    {"val/loss_avg", "1", "PPO: clipped value loss"},
                    {"val/clipfrac_avg", "1", "PPO: share of tokens whose value is clipped"},
                    {"val/ratio", "1", "PPO: mean ratio of the updated policy to the one that sampled"},
                    {"val/ratio_var", "1", "PPO: variance of that ratio"}};
    return kind;
}

}  // namespace alignsweep::kinds
