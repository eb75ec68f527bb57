// SPDX-License-Identifier: Apache-2.0
// Checks across fields. Each field's own range stands in schema.hpp.
#include "config/text.hpp"
#include "config/values.hpp"
#include "core/error.hpp"

#include <initializer_list>
#include <utility>

namespace alignsweep::config {

using core::concat;
using core::ConfigError;

namespace {

template <class... Parts>
void require(bool condition, Parts const&... parts) {
    if (!condition) { throw ConfigError(concat(parts...)); }
}

// Weights of a draw: at least one must be above zero.
void require_some(std::string_view section, std::initializer_list<std::pair<char const*, double>> weights) {
    std::vector<std::string> names;
    double sum = 0.0;
    for (auto const& [key, weight] : weights) {
        sum += weight;
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

// A prompt has at least one token, so a completion must be shorter than the context.
void check_completion(char const* section, Int max_new_tokens, ModelConfig const& model) {
    require(max_new_tokens < model.context, section, ".max_new_tokens = ", max_new_tokens,
            " leaves no room for a prompt; it must be below model.context = ", model.context);
}

void check_data(DataConfig const& data) {
    std::string given;
    for (auto const& [key, path] : {std::pair{"corpus", &data.corpus}, std::pair{"sft", &data.sft},
                                    std::pair{"preferences", &data.preferences}, std::pair{"thumbs", &data.thumbs}}) {
        if (given.empty() && !path->empty()) { given = concat("data.", key); }
    }
    if (given.empty()) { return; }
    // Real data has no gold reward of its own: the pairs give it, and real pairs mean nothing to a simulated corpus.
    require(!data.corpus.empty(), given, " is given without data.corpus; real data needs data.corpus and ",
            "data.preferences");
    require(!data.preferences.empty(), given, " is given without data.preferences; real data needs data.corpus and ",
            "data.preferences");
}

}  // namespace

void validate(Config const& config) {
    check_model(config.model);
    require(config.pretrain.length <= config.model.context, "pretrain.length = ", config.pretrain.length,
            " is above model.context = ", config.model.context);
    check_completion("feedback", config.feedback.max_new_tokens, config.model);
    check_completion("rlhf", config.rlhf.max_new_tokens, config.model);
    check_completion("evaluate", config.evaluate.max_new_tokens, config.model);
    require(config.rlhf.minibatch <= config.rlhf.episodes, "rlhf.minibatch = ", config.rlhf.minibatch,
            " is above rlhf.episodes = ", config.rlhf.episodes);
    // An update changes the coefficient by up to a fifth of episodes / horizon; it must stay above 0.
    RlhfConfig const& rlhf = config.rlhf;
    require(rlhf.kl_control == "fixed" || 0.2 * static_cast<double>(rlhf.episodes) < rlhf.kl_horizon,
            "rlhf.kl_horizon = ", rlhf.kl_horizon, " is too short; with rlhf.episodes = ", rlhf.episodes,
            " it must be above ", 0.2 * static_cast<double>(rlhf.episodes));

    WorldConfig const& world = config.world;
    require_some("world", {{"fact_share", world.fact_share},
                           {"open_share", world.open_share},
                           {"harmless_share", world.harmless_share},
                           {"unsafe_share", world.unsafe_share}});
    CorpusConfig const& corpus = config.corpus;
    require_some("corpus", {{"statements", corpus.statements},
                            {"questions", corpus.questions},
                            {"threads", corpus.threads},
                            {"how_to", corpus.how_to},
                            {"small_talk", corpus.small_talk}});
    require_some("corpus", {{"reply_right", corpus.reply_right},
                            {"reply_wrong", corpus.reply_wrong},
                            {"reply_rude", corpus.reply_rude},
                            {"reply_rambling", corpus.reply_rambling},
                            {"reply_question", corpus.reply_question}});
    require_some("corpus", {{"unsafe_complied", corpus.unsafe_complied},
                            {"unsafe_refused", corpus.unsafe_refused},
                            {"unsafe_rude", corpus.unsafe_rude}});
    check_data(config.data);
    require(config.data.preferences.empty() || rlhf.reward == "proxy", "rlhf.reward = ", rlhf.reward,
            " with data.preferences: only the simulated world has an exact gold reward; allowed: proxy");
}

}  // namespace alignsweep::config
