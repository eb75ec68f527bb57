// SPDX-License-Identifier: Apache-2.0
// The sections of dpo and kto, and what the kinds around feedback share.
#pragma once

#include "config/schema.hpp"
#include "losses/preference.hpp"
#include "sources/labels.hpp"
#include "stages/descriptor.hpp"

#include <cmath>

namespace alignsweep::kinds {

// [dpo]
struct DpoConfig {
    config::Int epochs = 3, batch = 64, sync_steps = 0;
    double sync_alpha = 0.6;
    losses::PairLossRule rule{};
    config::OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(config::FieldVisitor& visit) {
        visit("epochs", epochs, {0, 1e6}, "passes over the pairs");
        visit("batch", batch, {1, 1e6}, "pairs of a step");
        rule.fields(visit);
        visit("sync_steps", sync_steps, {0, 1e8}, "steps between syncs of the reference (TR-DPO); 0: never");
        visit("sync_alpha", sync_alpha, config::probability, "share of the policy in the synced reference");
        optimizer.fields(visit);
    }
};

// [kto]
struct KtoConfig {
    config::Int epochs = 3, batch = 128;
    losses::ThumbLossRule rule{};
    config::OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(config::FieldVisitor& visit) {
        visit("epochs", epochs, {0, 1e6}, "passes over the thumbs");
        visit("batch", batch, {1, 1e6}, "examples of a step");
        rule.fields(visit);
        optimizer.fields(visit);
    }
};

// Tokens that training on all answers of the feedback takes, two a prompt.
inline double trained_tokens(stages::StageSpec const& spec, config::Int epochs, stages::Lengths const& lengths) {
    auto const pairs = static_cast<double>(spec.config.get<sources::FeedbackConfig>().prompts);
    return 2.0 * static_cast<double>(epochs) * pairs * lengths.example;
}

// Mean over the feedback's pairs of what `judge` says of the chosen and the rejected completion. Pairs of which it says
// nothing are left out, and so is the metric where none is left.
template <class Judge>
void measure_pairs(stages::Context& context, stages::FeedbackData const& feedback, std::string const& metric,
                   Judge const& judge) {
    double sum = 0.0, counted = 0.0;
    for (auto const& pair : feedback.pairs) {
        std::optional<double> const value =
            judge(static_cast<std::size_t>(pair.chosen), static_cast<std::size_t>(pair.rejected));
        sum += value.value_or(0.0);
        counted += value ? 1.0 : 0.0;
    }
    if (counted > 0.0) { context.result.metrics[metric] = sum / counted; }
}

// Whether the gold reward prefers the first of two completions; nothing where it has no preference, or is not known.
inline std::optional<bool> gold_prefers(stages::FeedbackData const& feedback, std::size_t first, std::size_t second) {
    double const gap = feedback.completions[first].gold - feedback.completions[second].gold;
    return std::isnan(gap) || gap == 0.0 ? std::nullopt : std::optional(gap > 0.0);
}

// A method that learns from the feedback's labels. The SFT model's log-probabilities of the feedback are worked out
// once for all of them (kind reference). `Section`: of the configuration.
template <class Section>
stages::Descriptor preference(std::string const& name, void (*run)(stages::Context&)) {
    stages::Descriptor kind{.name = name, .version = 3, .purpose = stages::Purpose::method, .run = run};
    kind.reads = [](stages::Reads& r) {
        r.section<Section>().model_limits().seeds(&config::SeedConfig::train).unread({"model.context"});
    };
    kind.inputs = stages::always({{"sft", "sft"}, {"feedback", "feedback"}, {"reference", "reference"}});
    kind.sections = {config::Section::of<Section>(name)};
    kind.beta_key = name + ".beta";
    return kind;
}

// A variant for each row of a table of losses.
template <class Rows>
std::vector<stages::Variant> variants_of(char const* key, Rows const& rows) {
    std::vector<stages::Variant> variants;
    for (auto const& row : rows) { variants.push_back({key, row.name, row.equation, row.source}); }
    return variants;
}

}  // namespace alignsweep::kinds
