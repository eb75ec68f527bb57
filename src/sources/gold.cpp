// SPDX-License-Identifier: Apache-2.0
#include "sources/gold.hpp"

#include "core/error.hpp"
#include "sources/enumerable.hpp"

namespace alignsweep::sources {

Gold::Worlds Gold::make_world(stages::Context const& context) {
    if (is_enumerable(context)) { return enumerable_world(context); }
    return Text{world::World(context.section<config::WorldConfig>(), context.seed(&config::SeedConfig::world)),
                stages::load_tokenizer(context.input("corpus"))};
}

Gold::Gold(stages::Context const& context) : world_(make_world(context)) {}

world::Values Gold::values(world::Prompt const& prompt, stages::Tokens const& completion, bool ended) const {
    return world::values(world(), prompt, tokenizer().decode(completion), ended);
}

double Gold::reward(stages::PromptRow const& prompt, stages::Tokens const& completion, bool ended) const {
    if (auto const* enumerable = std::get_if<world::Enumerable>(&world_)) {
        return enumerable->reward(prompt.subject, completion);
    }
    if (prompt.kind < 0) {
        throw core::ConfigError("a real prompt has no exact gold reward; only those of the simulated world have");
    }
    auto const asked =
        world().prompt_at(static_cast<world::PromptKind>(prompt.kind), prompt.subject, prompt.attribute, prompt.form);
    return world::gold_reward(values(asked, completion, ended), world().config());
}

}  // namespace alignsweep::sources
