// SPDX-License-Identifier: Apache-2.0
// The exact gold reward of an answer in the simulated world, from its tokens.
#pragma once

#include "stages/artifacts.hpp"
#include "stages/context.hpp"
#include "world/enumerable.hpp"
#include "world/gold.hpp"

#include <variant>

namespace alignsweep::sources {

class Gold {
public:
    // From the world's sections and seed.world; in the text world also from the tokenizer of the input "corpus".
    // Throws ConfigError where the prompts are real: these have no exact gold reward.
    explicit Gold(stages::Context const& context);

    // Of one answer to a prompt of this world; `ended`: whether the end token came.
    [[nodiscard]] double reward(stages::PromptRow const& prompt, stages::Tokens const& completion, bool ended) const;

    // The text world, and the values that its reward is a weighted sum of.
    [[nodiscard]] world::World const& world() const { return std::get<Text>(world_).world; }
    [[nodiscard]] data::Tokenizer const& tokenizer() const { return std::get<Text>(world_).tokenizer; }
    [[nodiscard]] world::Values values(world::Prompt const& prompt, stages::Tokens const& completion, bool ended) const;

private:
    struct Text {
        world::World world;
        data::Tokenizer tokenizer;
    };
    using Worlds = std::variant<Text, world::Enumerable>;
    [[nodiscard]] static Worlds make_world(stages::Context const& context);

    Worlds world_;
};

}  // namespace alignsweep::sources
