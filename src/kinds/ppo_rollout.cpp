// SPDX-License-Identifier: Apache-2.0
#include "kinds/ppo_rollout.hpp"

#include "core/error.hpp"
#include "data/order.hpp"
#include "infer/sampling.hpp"

namespace alignsweep::kinds {

EpisodeScore::EpisodeScore(stages::Context const& context) : config_(context.section<config::RlhfConfig>()) {
    if (config_.reward == config::EpisodeReward::gold) {
        gold_.emplace(context);
    } else {
        proxy_.emplace(context.input("reward_model"), context.chunk());
    }
}

std::vector<double> EpisodeScore::of(std::vector<stages::PromptRow const*> const& asked,
                                     std::vector<data::Example> const& examples,
                                     std::vector<model::Completion> const& completions) {
    if (gold_) {
        std::vector<double> scores;
        for (std::size_t i = 0; i < asked.size(); ++i) {
            scores.push_back(gold_->reward(*asked[i], completions[i].tokens, completions[i].ended));
        }
        return scores;
    }
    auto scores = proxy_->score(infer::pointers(examples));
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (completions[i].ended) { continue; }
        scores[i] = config_.missing_end == config::MissingEnd::replace ? config_.missing_end_score
                                                                       : scores[i] - config_.missing_end_penalty;
    }
    return scores;
}

PpoEpisodes::PpoEpisodes(stages::Context const& context)
    : context_(context), config_(context.section<config::RlhfConfig>()), chunk_(context.chunk()), score_(context) {
    for (auto& prompt : stages::load_feedback(context.input("feedback")).prompts) {
        bool const room = static_cast<config::Int>(prompt.tokens.size()) + config_.max_new_tokens <=
                          context.get(&config::ModelConfig::context);
        if (!prompt.heldout && room) { prompts_.push_back(std::move(prompt)); }
    }
    if (prompts_.empty()) {
        throw core::ConfigError("rlhf: no training prompt leaves room for rlhf.max_new_tokens in model.context");
    }
}

// Every update has all its episodes, also where the prompts are few: its batch runs on into the next epoch.
std::vector<stages::PromptRow const*> PpoEpisodes::ask(std::int64_t update) const {
    auto const stream = context_.stream(&config::SeedConfig::rollout, "rlhf/prompts");
    auto const count = static_cast<std::int64_t>(prompts_.size());
    std::vector<stages::PromptRow const*> asked;
    std::vector<std::int64_t> order;
    for (std::int64_t i = update * config_.episodes; i < (update + 1) * config_.episodes; ++i) {
        if (order.empty() || i % count == 0) {
            order = data::epoch_order(count, stream, static_cast<std::uint32_t>(i / count));
        }
        asked.push_back(&prompts_[static_cast<std::size_t>(order[static_cast<std::size_t>(i % count)])]);
    }
    return asked;
}

std::vector<model::Completion> PpoEpisodes::sample(std::int64_t update, Models const& models,
                                                   std::vector<stages::PromptRow const*> const& asked) const {
    std::vector<stages::Tokens> prompts;
    for (stages::PromptRow const* prompt : asked) { prompts.push_back(prompt->tokens); }
    return infer::sample(models.policy_runner, models.policy, prompts,
                         {context_.stream(&config::SeedConfig::rollout, "rlhf/samples"),
                          static_cast<std::uint32_t>(update), config_.temperature, config_.max_new_tokens},
                         chunk_);
}

losses::Rollout PpoEpisodes::draw(std::int64_t update, Models const& models, Rules const& rules,
                                  std::map<std::string, double>& metrics) {
    losses::Rollout rollout;
    auto const asked = ask(update);
    auto const completions = sample(update, models, asked);
    double ends = 0.0, length = 0.0, kl = 0.0, score_sum = 0.0, penalty = 0.0, surprise = 0.0;
    for (std::size_t i = 0; i < completions.size(); ++i) {
        rollout.examples.push_back({asked[i]->tokens, completions[i].tokens});
        ends += completions[i].ended ? 1.0 : 0.0;
        length += static_cast<double>(completions[i].tokens.size());
    }
    auto const examples = infer::pointers(rollout.examples);
    auto const reference = infer::token_logprobs(models.policy_runner, models.reference, examples, config_.temperature,
                                                 data::TargetKind::completion, chunk_);
    auto const values = infer::token_values(models.value_runner, models.value, examples, chunk_);
    auto const scores = score_.of(asked, rollout.examples, completions);
    for (std::size_t i = 0; i < completions.size(); ++i) {
        rollout.episodes.push_back({completions[i].logprobs, reference[i], values[i], scores[i], {}, {}});
        losses::estimate_advantages(rollout.episodes.back(), rules.kl_coef, config_.kl_estimator, config_.gamma,
                                    rules.lambda);
        for (std::size_t t = 0; t < reference[i].size(); ++t) {
            kl += completions[i].logprobs[t] - reference[i][t];
            surprise -= completions[i].logprobs[t];
            penalty -=
                rules.kl_coef * losses::kl_estimate(completions[i].logprobs[t], reference[i][t], config_.kl_estimator);
        }
        score_sum += scores[i];
    }
    losses::whiten_advantages(rollout.episodes);
    double const count = static_cast<double>(completions.size());
    metrics["objective/kl"] = kl / count;
    metrics["objective/kl_coef"] = rules.kl_coef;
    metrics["objective/entropy"] = surprise / count;
    metrics["objective/scores"] = score_sum / count;
    metrics["objective/non_score_reward"] = penalty / count;
    metrics["objective/rlhf_reward"] = (score_sum + penalty) / count;
    metrics["val/num_eos_tokens"] = ends / count;
    metrics["objective/length"] = length / count;
    return rollout;
}

double tokens_of(losses::Rollout const& rollout) {
    double tokens = 0.0;
    for (data::Example const& example : rollout.examples) { tokens += static_cast<double>(example.tokens()); }
    return tokens;
}

}  // namespace alignsweep::kinds
