// SPDX-License-Identifier: Apache-2.0
#include "sources/online_judge.hpp"

namespace alignsweep::sources {

OnlineJudge::OnlineJudge(stages::Context const& context, config::OnlineConfig const& config) {
    if (config.judge == config::Judge::reward_model) {
        reward_.emplace(context.input("reward_model"), context.chunk());
        return;
    }
    gold_.emplace(context);
    if (config.judge == config::Judge::annotators) {
        asked_before_ = context.section<config::FeedbackConfig>().prompts;
        people_.emplace(context.section<config::FeedbackConfig>(), context.section<config::WorldConfig>(),
                        context.seed(&config::SeedConfig::feedback));
    }
}

bool OnlineJudge::people_choose(Duel const& duel, std::int64_t index) const {
    stages::PromptRow const& row = *duel.prompt;
    auto const prompt =
        gold_->world().prompt_at(static_cast<world::PromptKind>(row.kind), row.subject, row.attribute, row.form);
    std::array<world::Values, 2> values;
    for (std::size_t k = 0; k < 2; ++k) {
        values[k] = gold_->values(prompt, duel.answers[k].tokens, duel.answers[k].ended);
    }
    return people_->compare(static_cast<std::uint32_t>(asked_before_ + index), values[0], values[1]).first_better;
}

std::vector<OnlineJudge::Verdict> OnlineJudge::judge(std::vector<Duel> const& duels, std::int64_t first) {
    std::vector<Verdict> verdicts(duels.size());
    if (reward_) {
        std::vector<data::Example> examples;
        for (Duel const& duel : duels) {
            for (auto const& answer : duel.answers) { examples.push_back({duel.prompt->tokens, answer.tokens}); }
        }
        auto const scores = reward_->score(infer::pointers(examples));
        for (std::size_t i = 0; i < duels.size(); ++i) { verdicts[i].rewards = {scores[2 * i], scores[2 * i + 1]}; }
    } else {
        for (std::size_t i = 0; i < duels.size(); ++i) {
            for (std::size_t k = 0; k < 2; ++k) {
                auto const& answer = duels[i].answers[k];
                verdicts[i].rewards[k] = gold_->reward(*duels[i].prompt, answer.tokens, answer.ended);
            }
        }
    }
    for (std::size_t i = 0; i < duels.size(); ++i) {
        auto& verdict = verdicts[i];
        if (people_) {
            verdict.first_better = people_choose(duels[i], first + static_cast<std::int64_t>(i));
        } else {
            verdict.first_better = verdict.rewards[0] > verdict.rewards[1];
            verdict.undecided = verdict.rewards[0] == verdict.rewards[1];
        }
    }
    return verdicts;
}

}  // namespace alignsweep::sources
