// SPDX-License-Identifier: Apache-2.0
// Who compares two fresh answers in online DPO and online KTO (online_*.judge).
#pragma once

#include "infer/reward.hpp"
#include "sources/questions.hpp"
#include "sources/source.hpp"
#include "world/annotators.hpp"

#include <optional>
#include <vector>

namespace alignsweep::sources {

// A reward model and the gold reward name the answer with the higher reward, people the one that they choose.
class OnlineJudge {
public:
    // From the input "reward_model", or from the world's sections.
    OnlineJudge(stages::Context& context, config::OnlineConfig const& config);

    struct Judgement {
        std::vector<Verdict> verdicts;  // choices alone; undecided: equal rewards, so the duel says nothing
        Scores rewards;                 // of the answers: the reward model's, or gold
    };
    // `first`: number of duels judged before, which tells each one's people and chance apart. Feedback's own
    // questions have other numbers.
    [[nodiscard]] Judgement judge(std::vector<Duel> const& duels, std::int64_t first);

    // Parameters of the model asked; 0: none is.
    [[nodiscard]] std::int64_t parameter_count() const { return reward_ ? reward_->parameter_count() : 0; }

private:
    std::optional<infer::Reward> reward_;
    std::unique_ptr<Source const> source_;
    std::optional<world::Annotators> people_;
    std::int64_t asked_before_ = 0;
};

}  // namespace alignsweep::sources
