// SPDX-License-Identifier: Apache-2.0
// Checks across fields. Each field's own range stands in schema.hpp.
#include "config/text.hpp"
#include "config/values.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <cmath>
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

// Its heads are as wide as the policy's, and come in whole groups.
void check_reward_model(RewardModelConfig const& reward_model, ModelConfig const& model) {
    Int const unit = model.width / model.kv_heads;
    require(reward_model.width % unit == 0, "reward_model.width = ", reward_model.width,
            " is not a multiple of model.width / model.kv_heads = ", unit, "; allowed: its multiples, 0: the policy's");
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
    for (auto const& [section, tokens] :
         {std::pair{"feedback", config.get<FeedbackConfig>().max_new_tokens},
          std::pair{"rlhf", config.get<RlhfConfig>().max_new_tokens},
          std::pair{"online_dpo", config.get<OnlineDpoConfig>().online.max_new_tokens},
          std::pair{"online_kto", config.get<OnlineKtoConfig>().online.max_new_tokens}}) {
        require(tokens == world.length, section, ".max_new_tokens = ", tokens,
                " must be enumerable.length = ", world.length, " where world.kind = enumerable");
    }
    require(config.get<EvaluateConfig>().temperature == 1.0,
            "evaluate.temperature = ", config.get<EvaluateConfig>().temperature,
            " must be 1 where world.kind = enumerable: the optimum is a policy of temperature 1");
    require(config.get<FeedbackConfig>().source == LabelSource::annotators,
            "feedback.source = ", value_of(config, "feedback", "source").text,
            " must be annotators where world.kind = enumerable: the others read text");
    for (auto const& [key, judge] : {std::pair{"online_dpo", &config.get<OnlineDpoConfig>().online.judge},
                                     std::pair{"online_kto", &config.get<OnlineKtoConfig>().online.judge}}) {
        require(*judge != Judge::annotators, key, ".judge = annotators needs world.kind = text; its people value text");
    }
}

// Real labels are read, not given, and nobody but a reward model can say more about real answers.
void check_judges(Config const& config) {
    auto const only = [&](char const* section, char const* key, char const* allowed) {
        std::string const value = value_of(config, section, key).text;
        require(value == allowed, section, ".", key, " = ", value,
                " needs the simulated world; with data.preferences only ", allowed, " is allowed");
    };
    only("feedback", "source", "annotators");
    only("online_dpo", "judge", "reward_model");
    only("online_kto", "judge", "reward_model");
    require(config.get<TokenValuesConfig>().prompts == 0,
            "token_values.prompts = ", config.get<TokenValuesConfig>().prompts,
            " with data.preferences: only the simulated world has an exact gold reward; allowed: 0");
}

}  // namespace

ModelConfig reward_model_size(Config const& config) {
    ModelConfig model = config.get<ModelConfig>();
    if (config.get<RewardModelConfig>().depth > 0) { model.depth = config.get<RewardModelConfig>().depth; }
    Int const width = config.get<RewardModelConfig>().width;
    if (width == 0 || width == model.width) { return model; }
    model.heads = width * config.get<ModelConfig>().heads / config.get<ModelConfig>().width;
    model.kv_heads = width * config.get<ModelConfig>().kv_heads / config.get<ModelConfig>().width;
    double const hidden = static_cast<double>(config.get<ModelConfig>().hidden * width) /
                          static_cast<double>(config.get<ModelConfig>().width);
    model.hidden = std::max<Int>(4, 4 * static_cast<Int>(std::floor(hidden / 4.0 + 0.5)));
    model.width = width;
    return model;
}

void validate(Config const& config) {
    check_model(config.get<ModelConfig>());
    require(config.get<PretrainConfig>().length <= config.get<ModelConfig>().context,
            "pretrain.length = ", config.get<PretrainConfig>().length,
            " is above model.context = ", config.get<ModelConfig>().context);
    check_reward_model(config.get<RewardModelConfig>(), config.get<ModelConfig>());
    check_completion("feedback", config.get<FeedbackConfig>().max_new_tokens, config.get<ModelConfig>());
    check_completion("rlhf", config.get<RlhfConfig>().max_new_tokens, config.get<ModelConfig>());
    check_completion("online_dpo", config.get<OnlineDpoConfig>().online.max_new_tokens, config.get<ModelConfig>());
    check_completion("online_kto", config.get<OnlineKtoConfig>().online.max_new_tokens, config.get<ModelConfig>());
    check_completion("evaluate", config.get<EvaluateConfig>().max_new_tokens, config.get<ModelConfig>());
    require(config.get<RlhfConfig>().minibatch <= config.get<RlhfConfig>().episodes,
            "rlhf.minibatch = ", config.get<RlhfConfig>().minibatch,
            " is above rlhf.episodes = ", config.get<RlhfConfig>().episodes);
    // An update changes the coefficient by up to a fifth of episodes / horizon; it must stay above 0.
    RlhfConfig const& rlhf = config.get<RlhfConfig>();
    require(rlhf.kl_control != KlControl::annealed || rlhf.kl_coef > 0.0,
            "rlhf.kl_coef = 0 with rlhf.kl_control = annealed: equal factors never reach 0; it must be above 0");
    require(rlhf.kl_control != KlControl::adaptive || 0.2 * static_cast<double>(rlhf.episodes) < rlhf.kl_horizon,
            "rlhf.kl_horizon = ", rlhf.kl_horizon, " is too short; with rlhf.episodes = ", rlhf.episodes,
            " it must be above ", 0.2 * static_cast<double>(rlhf.episodes));

    WorldConfig const& world = config.get<WorldConfig>();
    require_some("world", {{"fact_share", world.fact_share},
                           {"open_share", world.open_share},
                           {"harmless_share", world.harmless_share},
                           {"unsafe_share", world.unsafe_share}});
    CorpusConfig const& corpus = config.get<CorpusConfig>();
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
    check_data(config.get<DataConfig>());
    if (config.get<WorldConfig>().kind == WorldKind::enumerable) { check_enumerable(config); }
    require(config.get<DataConfig>().preferences.empty() || rlhf.reward == EpisodeReward::proxy,
            "rlhf.reward = ", value_of(config, "rlhf", "reward").text,
            " with data.preferences: only the simulated world has an exact gold reward; allowed: proxy");
    if (!config.get<DataConfig>().preferences.empty()) { check_judges(config); }
}

}  // namespace alignsweep::config
