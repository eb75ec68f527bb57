// SPDX-License-Identifier: Apache-2.0
// reward_model (the proxy, on a share of the labels) and gold_reward_model (real data: on all of them).
#include "kinds/reward_model.hpp"
#include "config/checks.hpp"
#include "data/order.hpp"
#include "kinds/preference.hpp"
#include "train/trainer.hpp"

#include <cmath>

namespace alignsweep::kinds {

config::ModelConfig reward_model_size(config::Config const& config) {
    auto const& policy = config.get<config::ModelConfig>();
    auto const& own = config.get<RewardModelConfig>();
    config::ModelConfig model = policy;
    if (own.depth > 0) { model.depth = own.depth; }
    if (own.width == 0 || own.width == policy.width) { return model; }
    model.heads = own.width * policy.heads / policy.width;
    model.kv_heads = own.width * policy.kv_heads / policy.width;
    double const hidden = static_cast<double>(policy.hidden * own.width) / static_cast<double>(policy.width);
    model.hidden = std::max<config::Int>(4, 4 * static_cast<config::Int>(std::floor(hidden / 4.0 + 0.5)));
    model.width = own.width;
    return model;
}

namespace {

// The pairs that this reward model may learn from: a random share, drawn once.
std::vector<losses::Pair> training_pairs(stages::Context const& context, stages::FeedbackData const& feedback,
                                         bool gold) {
    auto all = stages::make_pairs(feedback, {}, gold);
    double const share = gold ? 1.0 : context.get(&RewardModelConfig::share);
    if (share >= 1.0) { return all; }
    auto const stream = context.stream(&config::SeedConfig::feedback, "reward_model/share");
    auto const count = static_cast<std::size_t>(std::ceil(share * static_cast<double>(all.size())));
    std::vector<losses::Pair> some;
    auto const order = data::epoch_order(static_cast<std::int64_t>(all.size()), stream, 0);
    for (std::size_t i = 0; i < count; ++i) { some.push_back(std::move(all[static_cast<std::size_t>(order[i])])); }
    return some;
}

// Mean and standard deviation of the scores of the SFT model's own answers, so that a reward means the same at every
// seed (Ziegler et al., arXiv:1909.08593, section 2.2).
std::pair<double, double> normalisation(std::vector<double> const& scores) {
    double mean = 0.0, squares = 0.0;
    for (double const score : scores) { mean += score / static_cast<double>(scores.size()); }
    for (double const score : scores) { squares += (score - mean) * (score - mean); }
    double const deviation = std::sqrt(squares / static_cast<double>(scores.size()));
    return {mean, deviation > 1e-6 ? deviation : 1.0};
}

// A reward model may learn that refusing is good (or bad) without reading the prompt; PPO would then refuse every
// harmless request. These numbers show it before PPO starts: how often a refusal scores above the right answer to a
// harmless request (should be 0), and above compliance with an unsafe one (should be 1).
template <class Score>
void measure_refusals(stages::Context& context, Score const& score) {
    for (auto const& [name, refused, answered] : sources::open_source(context)->refusals()) {
        auto const refusal = score(refused), answer = score(answered);
        double preferred = 0.0;
        for (std::size_t i = 0; i < refusal.size(); ++i) { preferred += refusal[i] > answer[i] ? 1.0 : 0.0; }
        context.result.metrics["refusal_preferred/" + name] = preferred / static_cast<double>(refusal.size());
    }
}

template <bool gold>
void run_reward_model(stages::Context& context) {
    stages::FeedbackData const feedback = stages::load_feedback(context.input("feedback"));
    auto const pairs = training_pairs(context, feedback, gold);
    config::require(!pairs.empty(), "reward_model: no pair of a training prompt to learn from");
    // The head's first weights differ between gold and proxy, or the two would err alike.
    std::uint64_t const head_seed = context.seed(&config::SeedConfig::model) + (gold ? 1 : 0);
    infer::Weights weights = infer::load_model_with_head(context.input("sft"), head_seed);
    losses::RewardLoss loss(pairs,
                            {context.get(&RewardModelConfig::margin), context.get(&RewardModelConfig::centering)});
    train::train(context, weights, loss,
                 {context.get(&RewardModelConfig::epochs), context.get(&RewardModelConfig::batch)},
                 context.get(&RewardModelConfig::optimizer), "reward_model");
    context.add_cost("labels/reward_model", static_cast<double>(pairs.size()));

    infer::Transformer transformer(weights.shape);
    auto const score = [&](std::vector<data::Example> const& examples) {
        return infer::scores(transformer, weights, infer::pointers(examples), context.chunk());
    };
    auto const all = score(stages::completion_examples(feedback));
    std::vector<double> own;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (feedback.completions[i].on_policy) { own.push_back(all[i]); }
    }
    auto const [mean, deviation] =
        gold || context.get(&RewardModelConfig::normalise) ? normalisation(own) : std::pair(0.0, 1.0);
    // How often the reward model orders the feedback's pairs as the gold reward does (ties in gold left out).
    measure_pairs(context, feedback, "gold_agreement", [&](std::size_t a, std::size_t b) -> std::optional<double> {
        auto const prefers = gold_prefers(feedback, a, b);
        return prefers ? std::optional((all[a] > all[b]) == *prefers ? 1.0 : 0.0) : std::nullopt;
    });
    if constexpr (!gold) {
        // How often it orders a held-out prompt's pair as the label does. It has not seen these; a gold model has.
        measure_pairs(context, feedback, "heldout_accuracy", [&](std::size_t a, std::size_t b) {
            auto const prompt = static_cast<std::size_t>(feedback.completions[a].prompt);
            double const right = all[a] > all[b] ? 1.0 : all[a] == all[b] ? 0.5 : 0.0;
            return feedback.prompts[prompt].heldout ? std::optional(right) : std::nullopt;
        });
        measure_refusals(context, score);
    }
    infer::save_model(context.folder(), weights, {{"score_mean", mean}, {"score_deviation", deviation}});
}

// A reward model of another size than the policy's starts from an SFT model of that size, which reads the same text:
// the one that a trial with that [model] has as well.
config::Config of_its_size(config::Config const& config) {
    config::Config sized = config;
    sized.edit<config::ModelConfig>() = reward_model_size(config);
    return sized;
}

std::vector<store::MetricInfo> training_metrics() {
    return {{"accuracy", "1", "share of pairs whose chosen completion has the higher reward"},
            {"margin", "1", "reward model: mean reward, chosen minus rejected"},
            {"min_reward", "1", "reward model: smallest reward of the step"},
            {"mean_reward", "1", "reward model: mean reward of the step"},
            {"max_reward", "1", "reward model: largest reward of the step"}};
}

stages::Work work(stages::StageSpec const& spec, stages::Lengths const& lengths) {
    return {trained_tokens(spec, spec.config.get<RewardModelConfig>().epochs, lengths), 0.0};
}

}  // namespace

stages::Descriptor describe_reward_model() {
    stages::Descriptor kind{.name = "reward_model", .version = 2, .run = run_reward_model<false>};
    kind.reads = [](stages::Reads& r) {
        // Its size is that of the SFT model that it starts from.
        r.section_but(&RewardModelConfig::width, &RewardModelConfig::depth);
        r.world().model_limits();
        r.seeds(&config::SeedConfig::model, &config::SeedConfig::feedback, &config::SeedConfig::train);
        r.unread({"model.context"});
        // Only the text world has requests to test it on (measure_refusals).
        auto const source = sources::source_kind(r.config());
        if (source == sources::SourceKind::text_world) { return; }
        r.unread({"input.corpus"});
        if (r.get<RewardModelConfig>().share >= 1.0) { r.unread({"seed.feedback"}); }
        if (source == sources::SourceKind::files) { r.unread({"world.*", "seed.world"}); }
    };
    kind.inputs = [](config::Config const& config, stages::Descriptor const*) {
        return std::vector<stages::Input>{
            {"corpus", "corpus"},
            {"sft", "sft", {}, std::make_shared<config::Config const>(of_its_size(config))},
            {"feedback", "feedback"}};
    };
    kind.sections = {config::Section::of<RewardModelConfig>("reward_model")};
    kind.configure = of_its_size;
    // Its heads are as wide as the policy's, and come in whole groups.
    kind.validate = [](config::Config const& config) {
        auto const& model = config.get<config::ModelConfig>();
        auto const width = config.get<RewardModelConfig>().width, unit = model.width / model.kv_heads;
        config::require(width % unit == 0, "reward_model.width = ", width,
                        " is not a multiple of model.width / model.kv_heads = ", unit,
                        "; allowed: its multiples, 0: the policy's");
    };
    kind.work = work;
    kind.metrics = training_metrics();
    kind.entry = {"pairs",
                  "l(r_w - r_l - margin) + centering (r_w + r_l)^2; normalise: scores of mean 0 and "
                  "deviation 1 on the SFT model's answers",
                  "Ouyang et al. 2203.02155, eq. 1; Eisenstein et al. 2312.09244",
                  {{"reward_model.width", "N", "a size of its own (and depth)", "Gao et al. 2210.10760"}}};
    return kind;
}

// With real data it takes the place of the gold reward, which only a simulated world has.
stages::Descriptor describe_gold_reward_model() {
    stages::Descriptor kind{.name = "gold_reward_model", .version = 2, .run = run_reward_model<true>};
    kind.reads = [](stages::Reads& r) {
        r.section_but(&RewardModelConfig::width, &RewardModelConfig::depth);
        r.model_limits().seeds(&config::SeedConfig::model, &config::SeedConfig::train);
        r.unread({"model.context", "input.corpus", "reward_model.share", "reward_model.normalise"});
    };
    kind.inputs = stages::always({{"corpus", "corpus"}, {"sft", "sft"}, {"feedback", "feedback"}});
    kind.work = work;
    kind.metrics = training_metrics();
    return kind;
}

}  // namespace alignsweep::kinds
