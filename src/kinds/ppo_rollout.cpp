// SPDX-License-Identifier: Apache-2.0
#include "kinds/rlhf.hpp"

namespace alignsweep::kinds {

EpisodeScore::EpisodeScore(stages::Context& context) : config_(context.section<RlhfConfig>()) {
    if (config_.reward == EpisodeReward::gold) {
        gold_ = sources::open_source(context);
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
            scores.push_back(gold_->gold(*asked[i], completions[i].tokens, completions[i].ended));
        }
        return scores;
    }
    auto scores = proxy_->score(infer::pointers(examples));
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (completions[i].ended) { continue; }
        scores[i] = config_.missing_end == MissingEnd::replace ? config_.missing_end_score
                                                               : scores[i] - config_.missing_end_penalty;
    }
    return scores;
}

PpoEpisodes::PpoEpisodes(stages::Context& context)
    : context_(context),
      config_(context.section<RlhfConfig>()),
      chunk_(context.chunk()),
      prompts_(context, config_.max_new_tokens),
      score_(context) {}

losses::Rollout PpoEpisodes::draw(std::int64_t update, Models const& models, Rules const& rules,
                                  std::map<std::string, double>& metrics) {
    losses::Rollout rollout;
    auto const asked = prompts_.ask(update, config_.episodes);
    auto answers = train::answer(models.policy_runner, models.policy, train::tokens_of(asked),
                                 {context_.stream(&config::SeedConfig::rollout, "rlhf/samples"),
                                  static_cast<std::uint32_t>(update), config_.temperature, config_.max_new_tokens},
                                 chunk_);
    auto const& completions = answers.completions;
    rollout.examples = std::move(answers.examples);
    double kl = 0.0, score_sum = 0.0, penalty = 0.0, surprise = 0.0;
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
    metrics["val/num_eos_tokens"] = answers.ends() / count;
    metrics["objective/length"] = answers.length() / count;
    return rollout;
}

}  // namespace alignsweep::kinds
