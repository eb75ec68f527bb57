// SPDX-License-Identifier: Apache-2.0
#include "stages/gold.hpp"

#include "core/error.hpp"

namespace alignsweep::stages {

Gold::Gold(Context const& context)
    : world_(context.config.world, context.seed(&config::SeedConfig::world)),
      tokenizer_(load_tokenizer(context.input("corpus"))) {
    if (!context.config.data.preferences.empty()) {
        throw core::ConfigError(core::concat(context.config.data.preferences,
                                             ": real prompts have no exact gold reward; only the simulated world has"));
    }
}

world::Values Gold::values(world::Prompt const& prompt, Tokens const& completion, bool ended) const {
    return world::values(world_, prompt, tokenizer_.decode(completion), ended);
}

double Gold::reward(PromptRow const& prompt, Tokens const& completion, bool ended) const {
    auto const asked =
        world_.prompt_at(static_cast<world::PromptKind>(prompt.kind), prompt.subject, prompt.attribute, prompt.form);
    return world::gold_reward(values(asked, completion, ended), world_.config());
}

}  // namespace alignsweep::stages
