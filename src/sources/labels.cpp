// SPDX-License-Identifier: Apache-2.0
#include "sources/labels.hpp"

#include "infer/scoring.hpp"
#include "losses/loss.hpp"
#include "world/annotators.hpp"
#include "world/constitution.hpp"

#include <algorithm>

namespace alignsweep::sources {

namespace {

using Scores = std::vector<std::array<double, 2>>;

std::vector<double> sorted(Scores const& scores) {
    std::vector<double> all;
    for (auto const& pair : scores) { all.insert(all.end(), pair.begin(), pair.end()); }
    std::sort(all.begin(), all.end());
    return all;
}

double preference(double gap, double temperature) {
    if (temperature > 0.0) { return losses::sigmoid(gap / temperature); }
    return gap == 0.0 ? 0.5 : (gap > 0.0 ? 1.0 : 0.0);
}

std::vector<QuestionLabel> from_people(stages::Context const& context, Questions const& questions) {
    world::Annotators people(context.section<config::FeedbackConfig>(), context.section<config::WorldConfig>(),
                             context.seed(&config::SeedConfig::feedback));
    auto const golds = sorted(questions.gold);
    people.set_standard(golds[golds.size() / 2]);  // the median: both thumbs occur about equally often
    std::vector<QuestionLabel> labels;
    for (std::size_t i = 0; i < questions.values.size(); ++i) {
        auto const index = static_cast<std::uint32_t>(i);
        auto const& [first, second] = questions.values[i];
        QuestionLabel label{people.preference(index, first, second), people.compare(index, first, second).first_better};
        for (std::uint32_t which = 0; which < 2; ++which) {
            label.up[which] = people.thumb(index, which, questions.values[i][which]);
            label.rating[which] = people.rating(index, which, questions.values[i][which]);
        }
        labels.push_back(label);
    }
    return labels;
}

Scores by_constitution(Questions const& questions, data::Tokenizer const& tokenizer) {
    Scores scores;
    for (std::size_t i = 0; i < questions.prompts.size(); ++i) {
        auto const score = [&](model::Completion const& answer) {
            return world::constitution_score(
                world::rules_kept(questions.prompts[i].text, tokenizer.decode(answer.tokens), answer.ended));
        };
        scores.push_back({score(questions.answers[i][0]), score(questions.answers[i][1])});
    }
    return scores;
}

Scores by_model(stages::Context& context, Questions const& questions, infer::Weights const& judge) {
    std::vector<data::Example> examples;
    double tokens = 0.0;
    for (std::size_t i = 0; i < questions.tokens.size(); ++i) {
        for (auto const& answer : questions.answers[i]) {
            examples.push_back({questions.tokens[i], answer.tokens});
            tokens += static_cast<double>(examples.back().tokens());
        }
    }
    infer::Transformer transformer(judge.shape);
    auto const sums = infer::sequence_logprobs(transformer, judge, infer::pointers(examples), context.chunk());
    context.add_cost("tokens/judge", tokens);
    context.add_cost("flops/judge", 2.0 * tokens * static_cast<double>(judge.layout.parameter_count()));
    Scores scores;
    for (std::size_t i = 0; i < examples.size(); i += 2) {
        auto const mean = [&](std::size_t k) {
            return sums[k] / static_cast<double>(std::max<std::size_t>(1, examples[k].completion.size()));
        };
        scores.push_back({mean(i), mean(i + 1)});
    }
    return scores;
}

}  // namespace

std::vector<QuestionLabel> labels_from_scores(std::vector<std::array<double, 2>> const& scores,
                                              config::FeedbackConfig const& config, bool ties,
                                              std::uint64_t seed_feedback) {
    core::RandomStream const choices(seed_feedback, "feedback/pairs"), thumbs(seed_feedback, "feedback/thumbs");
    auto const order = sorted(scores);
    double const median = order[order.size() / 2];
    std::vector<QuestionLabel> labels;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        auto const index = static_cast<std::uint32_t>(i);
        double const gap = scores[i][0] - scores[i][1];
        QuestionLabel label{preference(gap, config.choice_temperature)};
        label.chose_first = choices.uniform(index, 0, 0) < label.first_better;
        label.undecided = gap == 0.0 && !ties;
        for (std::uint32_t which = 0; which < 2; ++which) {
            double const score = scores[i][which];
            double const up = preference(score - median, config.choice_temperature);
            label.up[which] = thumbs.uniform(index, which, 0) < up;
            auto const below = std::lower_bound(order.begin(), order.end(), score) - order.begin();
            label.rating[which] = 1 + static_cast<std::int32_t>(5 * below / static_cast<std::ptrdiff_t>(order.size()));
        }
        labels.push_back(label);
    }
    return labels;
}

std::vector<QuestionLabel> label(stages::Context& context, Questions const& questions, Gold const& gold,
                                 infer::Weights const& sft) {
    auto const& config = context.section<config::FeedbackConfig>();
    if (config.source == config::LabelSource::annotators) { return from_people(context, questions); }
    bool const ai = config.source == config::LabelSource::ai;
    auto const scores = ai ? by_model(context, questions, sft) : by_constitution(questions, gold.tokenizer());
    return labels_from_scores(scores, config, ai, context.seed(&config::SeedConfig::feedback));
}

}  // namespace alignsweep::sources
