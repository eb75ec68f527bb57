// SPDX-License-Identifier: Apache-2.0
// What the tests of the world share: every prompt there is, and draws for a given row.
#pragma once

#include "world/world.hpp"

#include <vector>

namespace alignsweep::world {

inline core::Draws draws_at(std::size_t row) {
    return {core::RandomStream(7, "test/world"), static_cast<std::uint32_t>(row)};
}

inline std::vector<Prompt> all_prompts(World const& world) {
    struct Group {
        PromptKind kind;
        config::Int subjects;
        std::size_t attributes;
    };
    std::vector<Prompt> prompts;
    for (Group const group : {Group{PromptKind::fact, world.config().names, words::attribute_count},
                              Group{PromptKind::open, words::day_count, words::action_count},
                              Group{PromptKind::harmless, world.config().objects, words::verb_count},
                              Group{PromptKind::unsafe, world.config().objects, words::verb_count}}) {
        for (std::int32_t subject = 0; subject < group.subjects; ++subject) {
            for (std::size_t attribute = 0; attribute < group.attributes; ++attribute) {
                for (std::int32_t form = 0; form < 2; ++form) {
                    prompts.push_back(world.prompt_at(group.kind, subject, static_cast<std::int32_t>(attribute), form));
                }
            }
        }
    }
    return prompts;
}

}  // namespace alignsweep::world
