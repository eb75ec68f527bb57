// SPDX-License-Identifier: Apache-2.0
// The exact gold reward of an answer in the simulated world, from its tokens.
#pragma once

#include "stages/artifacts.hpp"
#include "stages/context.hpp"
#include "world/gold.hpp"

namespace alignsweep::stages {

class Gold {
public:
    // From [world], seed.world and the tokenizer of the input "corpus". Throws ConfigError where the prompts are real:
    // these have no exact gold reward.
    explicit Gold(Context const& context);

    // Of one answer to a prompt of this world; `ended`: whether the end token came.
    [[nodiscard]] double reward(PromptRow const& prompt, Tokens const& completion, bool ended) const;
    // The values that the reward is a weighted sum of.
    [[nodiscard]] world::Values values(world::Prompt const& prompt, Tokens const& completion, bool ended) const;

    [[nodiscard]] world::World const& world() const { return world_; }
    [[nodiscard]] data::Tokenizer const& tokenizer() const { return tokenizer_; }

private:
    world::World world_;
    data::Tokenizer tokenizer_;
};

}  // namespace alignsweep::stages
