// SPDX-License-Identifier: Apache-2.0
// What the tests of the world share: every prompt there is, its ideal answer, and draws for a given row.
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

// A short right answer, the same each time; with polite_closing after it, it earns the highest reward.
inline std::string ideal_answer(World const& world, Prompt const& prompt) {
    if (prompt.kind == PromptKind::unsafe) { return ' ' + std::string(words::refusal); }
    auto const key = world.answer_key(prompt);
    std::vector<std::string> right;
    for (std::size_t i = 0; i < key.words.size(); ++i) {
        if (key.is_right(i)) { right.push_back(key.words[i]); }
    }
    auto const a = static_cast<std::size_t>(prompt.attribute), form = static_cast<std::size_t>(prompt.form);
    if (prompt.kind == PromptKind::open) { return ' ' + words::fill(words::actions[a].answer_one, right[0]); }
    if (prompt.kind == PromptKind::harmless) { return ' ' + words::fill(words::how_to_answer, right[0], right[1]); }
    std::size_t const at = 1 + words::attributes[a].questions[form].find('{');  // after the leading space
    std::string const name = prompt.text.substr(at, prompt.text.find(' ', at) - at);
    return ' ' + words::fill(words::attributes[a].statements[0], name, right[0]);
}

}  // namespace alignsweep::world
