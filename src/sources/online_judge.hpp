// SPDX-License-Identifier: Apache-2.0
// Who compares two fresh answers in online DPO and online KTO (online_*.judge).
#pragma once

#include "infer/reward.hpp"
#include "model/generate.hpp"
#include "sources/gold.hpp"
#include "world/annotators.hpp"

#include <array>
#include <optional>
#include <vector>

namespace alignsweep::sources {

enum class Judge { reward_model, gold, annotators };

// A prompt with two answers.
struct Duel {
    stages::PromptRow const* prompt;
    std::array<model::Completion, 2> answers;
};

// A reward model and the gold reward name the answer with the higher reward, people the one that they choose.
class OnlineJudge {
public:
    // From the input "reward_model", or from the world's sections.
    OnlineJudge(stages::Context const& context, Judge who);

    struct Verdict {
        bool first_better = true;
        bool undecided = false;           // equal rewards: the duel says nothing
        std::array<double, 2> rewards{};  // of the answers: the reward model's, or gold
    };
    // `first`: number of duels judged before, which tells each one's people and chance apart. Feedback's own
    // questions have other numbers.
    [[nodiscard]] std::vector<Verdict> judge(std::vector<Duel> const& duels, std::int64_t first);

    // Parameters of the model asked; 0: none is.
    [[nodiscard]] std::int64_t parameter_count() const { return reward_ ? reward_->parameter_count() : 0; }

private:
    [[nodiscard]] bool people_choose(Duel const& duel, std::int64_t index) const;

    std::optional<infer::Reward> reward_;
    std::optional<Gold> gold_;
    std::optional<world::Annotators> people_;
    std::int64_t asked_before_ = 0;
};

}  // namespace alignsweep::sources
