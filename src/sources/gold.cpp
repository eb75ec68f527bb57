// SPDX-License-Identifier: Apache-2.0
#include "sources/gold.hpp"

#include "core/error.hpp"
#include "sources/enumerable.hpp"

namespace alignsweep::sources {

Gold::Worlds Gold::make_world(stages::Context const& context) {
    if (!context.config.get<config::DataConfig>().preferences.empty()) {
        throw core::ConfigError(core::concat(context.config.get<config::DataConfig>().preferences,
                                             ": real prompts have no exact gold reward; only the simulated world has"));
    }
    if (is_enumerable(context.config)) { return enumerable_world(context); }
    return Text{world::World(context.config.get<config::WorldConfig>(), context.seed(&config::SeedConfig::world)),
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
    auto const asked =
        world().prompt_at(static_cast<world::PromptKind>(prompt.kind), prompt.subject, prompt.attribute, prompt.form);
    return world::gold_reward(values(asked, completion, ended), world().config());
}

}  // namespace alignsweep::sources
