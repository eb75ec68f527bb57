// SPDX-License-Identifier: Apache-2.0
#include "sources/online_judge.hpp"

namespace alignsweep::sources {

OnlineJudge::OnlineJudge(stages::Context& context, config::OnlineConfig const& config) {
    if (config.judge == config::Judge::reward_model) {
        reward_.emplace(context.input("reward_model"), context.chunk());
        return;
    }
    source_ = open_source(context);
    if (config.judge == config::Judge::annotators) {
        asked_before_ = context.section<config::FeedbackConfig>().prompts;
        people_.emplace(context.section<config::FeedbackConfig>(), context.section<config::WorldConfig>(),
                        context.seed(&config::SeedConfig::feedback));
    }
}

OnlineJudge::Judgement OnlineJudge::judge(std::vector<Duel> const& duels, std::int64_t first) {
    Judgement judgement;
    auto& rewards = judgement.rewards;
    if (reward_) {
        std::vector<data::Example> examples;
        for (Duel const& duel : duels) {
            for (auto const& answer : duel.answers) { examples.push_back({duel.prompt->tokens, answer.tokens}); }
        }
        auto const scores = reward_->score(infer::pointers(examples));
        for (std::size_t i = 0; i < duels.size(); ++i) { rewards.push_back({scores[2 * i], scores[2 * i + 1]}); }
    } else {
        rewards = gold_of(*source_, duels);
    }
    for (std::size_t i = 0; i < duels.size(); ++i) {
        Verdict says;
        if (people_) {
            auto const values = [&](model::Completion const& answer) {
                return source_->values(*duels[i].prompt, answer.tokens, answer.ended);
            };
            auto const index = asked_before_ + first + static_cast<std::int64_t>(i);
            says.chose_first = people_
                                   ->compare(static_cast<std::uint32_t>(index), values(duels[i].answers[0]),
                                             values(duels[i].answers[1]))
                                   .first_better;
        } else {
            says.chose_first = rewards[i][0] > rewards[i][1];
            says.undecided = rewards[i][0] == rewards[i][1];
        }
        judgement.verdicts.push_back(says);
    }
    return judgement;
}

}  // namespace alignsweep::sources
