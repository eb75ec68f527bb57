// SPDX-License-Identifier: Apache-2.0
// Checks across fields of what all kinds of stages share. Each field's own range stands in its section.
#include "config/checks.hpp"
#include "config/text.hpp"
#include "config/values.hpp"
#include "core/error.hpp"

#include <initializer_list>
#include <utility>

namespace alignsweep::config {

using core::concat;

namespace {

// Weights of a draw: at least one must be above zero.
void require_some(Config const& config, std::string const& section, std::initializer_list<char const*> keys) {
    std::vector<std::string> names;
    double sum = 0.0;
    for (char const* key : keys) {
        sum += value_of(config, section, key).number;
        names.push_back(concat(section, ".", key));
    }
    require(sum > 0.0, join(names), " are all 0; at least one must be above 0");
}

void check_model(ModelConfig const& model) {
    std::string const heads = concat("model.heads = ", model.heads);
    std::string const width = concat("model.width = ", model.width);
    require(model.width % model.heads == 0, heads, " does not divide ", width);
    Int const head_width = model.width / model.heads;
    require(head_width % 2 == 0, width, " / ", heads, " is ", head_width,
            "; it must be even (rotary embedding turns pairs)");
    require(head_width <= 128, width, " / ", heads, " is ", head_width, "; it must be at most 128");
    require(model.heads % model.kv_heads == 0, "model.kv_heads = ", model.kv_heads, " does not divide ", heads);
}

void check_data(Config const& config) {
    DataConfig const& data = config.get<DataConfig>();
    for (std::string const key : {"corpus", "sft", "preferences", "thumbs"}) {
        if (value_of(config, "data", key).text.empty()) { continue; }
        // Real data has no gold reward of its own: the pairs give it, and real pairs mean nothing to a simulated
        // corpus.
        std::string const needs = "; real data needs data.corpus and data.preferences";
        require(!data.corpus.empty(), "data.", key, " is given without data.corpus", needs);
        require(!data.preferences.empty(), "data.", key, " is given without data.preferences", needs);
        return;
    }
}

// Every response is listed, so the numbers of them and all lengths must be small and agree.
void check_enumerable(Config const& config) {
    EnumerableConfig const& world = config.get<EnumerableConfig>();
    require(config.get<DataConfig>().corpus.empty(),
            "world.kind = enumerable leaves no room for data.corpus; give one of them");
    Int responses = 1, prompt = 2, words = 0;
    for (Int t = 0, level = 1; t < world.length; ++t) { responses += level *= world.tokens - 1; }
    require(responses * world.prompts <= 1000000, "enumerable: ", world.prompts, " prompts with ", responses,
            " responses each are ", responses * world.prompts, "; at most 1000000 can be listed");
    // Prompts are words of ascending length and an end token.
    for (Int level = world.tokens - 1; words + level < world.prompts; level *= world.tokens - 1, ++prompt) {
        words += level;
    }
    require(prompt + world.length <= config.get<ModelConfig>().context, "enumerable: a prompt of ", prompt,
            " tokens and a response of ", world.length,
            " do not fit model.context = ", config.get<ModelConfig>().context);
}

}  // namespace

bool is_enumerable(Config const& config) { return config.get<WorldConfig>().kind == WorldKind::enumerable; }

bool is_real(Config const& config) { return !config.get<DataConfig>().preferences.empty(); }

void check_completion(Config const& config, std::string const& section) {
    Int const context = config.get<ModelConfig>().context;
    Value const tokens = value_of(config, section, "max_new_tokens");
    require(tokens.number < static_cast<double>(context), section, ".max_new_tokens = ", tokens.text,
            " leaves no room for a prompt; it must be below model.context = ", context);
}

void check_training_completion(Config const& config, std::string const& section) {
    check_completion(config, section);
    Int const length = config.get<EnumerableConfig>().length;
    Value const tokens = value_of(config, section, "max_new_tokens");
    require(!is_enumerable(config) || tokens.number == static_cast<double>(length), section,
            ".max_new_tokens = ", tokens.text, " must be enumerable.length = ", length,
            " where world.kind = enumerable");
}

void check_choice_of_real_data(Config const& config, std::string const& section, std::string const& key,
                               std::string const& allowed) {
    std::string const value = value_of(config, section, key).text;
    require(!is_real(config) || value == allowed, section, ".", key, " = ", value,
            " needs the simulated world; with data.preferences only ", allowed, " is allowed");
}

void validate(Config const& config) {
    check_model(config.get<ModelConfig>());
    require_some(config, "world", {"fact_share", "open_share", "harmless_share", "unsafe_share"});
    require_some(config, "corpus", {"statements", "questions", "threads", "how_to", "small_talk"});
    require_some(config, "corpus", {"reply_right", "reply_wrong", "reply_rude", "reply_rambling", "reply_question"});
    require_some(config, "corpus", {"unsafe_complied", "unsafe_refused", "unsafe_rude"});
    check_data(config);
    if (is_enumerable(config)) { check_enumerable(config); }
}

}  // namespace alignsweep::config
