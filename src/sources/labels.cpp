// SPDX-License-Identifier: Apache-2.0
#include "sources/labels.hpp"

#include "infer/scoring.hpp"
#include "losses/loss.hpp"
#include "train/cost_meter.hpp"
#include "world/annotators.hpp"
#include "world/constitution.hpp"

#include <algorithm>

namespace alignsweep::sources {

namespace {

std::vector<double> sorted(Scores const& scores) {
    std::vector<double> all;
    for (auto const& pair : scores) { all.insert(all.end(), pair.begin(), pair.end()); }
    std::sort(all.begin(), all.end());
    return all;
}

// Probability that something better by `gap` is called better.
double preference(double gap, ScoreRule const& rule) {
    double const clean = rule.temperature > 0.0 ? losses::sigmoid(gap / rule.temperature)
                         : gap == 0.0           ? 0.5
                                                : (gap > 0.0 ? 1.0 : 0.0);
    return clean * (1.0 - rule.flip) + (1.0 - clean) * rule.flip;
}

std::vector<Verdict> from_people(stages::Context const& context, Source const& source, std::vector<Duel> const& duels,
                                 Scores const& gold) {
    world::Annotators people(context.section<config::FeedbackConfig>(), context.section<config::WorldConfig>(),
                             context.seed(&config::SeedConfig::feedback));
    auto const golds = sorted(gold);
    people.set_standard(golds[golds.size() / 2]);  // the median: both thumbs occur about equally often
    auto const values = of_answers<world::Values>(duels, [&](auto const& prompt, model::Completion const& answer) {
        return source.values(prompt, answer.tokens, answer.ended);
    });
    std::vector<Verdict> verdicts;
    for (std::size_t i = 0; i < duels.size(); ++i) {
        auto const index = static_cast<std::uint32_t>(i);
        auto const& [first, second] = values[i];
        Verdict says{people.preference(index, first, second), people.compare(index, first, second).first_better};
        for (std::uint32_t which = 0; which < 2; ++which) {
            says.up[which] = people.thumb(index, which, values[i][which]);
            says.rating[which] = people.rating(index, which, values[i][which]);
        }
        verdicts.push_back(says);
    }
    return verdicts;
}

Scores by_constitution(data::Tokenizer const& tokenizer, std::vector<Duel> const& duels) {
    return of_answers<double>(duels, [&](stages::PromptRow const& prompt, model::Completion const& answer) {
        return world::constitution_score(
            world::rules_kept(tokenizer.decode(prompt.tokens), tokenizer.decode(answer.tokens), answer.ended));
    });
}

Scores by_model(stages::Context& context, std::vector<Duel> const& duels, infer::Weights const& judge) {
    std::vector<data::Example> examples;
    for (Duel const& duel : duels) {
        for (auto const& answer : duel.answers) { examples.push_back({duel.prompt->tokens, answer.tokens}); }
    }
    infer::Transformer transformer(judge.shape);
    auto const sums = infer::sequence_logprobs(transformer, judge, infer::pointers(examples), context.chunk());
    train::add_model_cost(context, "judge", judge.layout.parameter_count(), train::tokens_of(examples));
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

std::vector<Verdict> verdicts_from_scores(Scores const& scores, ScoreRule const& rule, std::uint64_t seed_feedback) {
    core::RandomStream const choices(seed_feedback, "feedback/pairs"), thumbs(seed_feedback, "feedback/thumbs");
    auto const order = sorted(scores);
    double const median = order[order.size() / 2];
    std::vector<Verdict> verdicts;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        auto const index = static_cast<std::uint32_t>(i);
        double const gap = scores[i][0] - scores[i][1];
        Verdict says{preference(gap, rule)};
        says.chose_first = choices.uniform(index, 0, 0) < says.first_better;
        says.undecided = gap == 0.0 && !rule.ties;
        for (std::uint32_t which = 0; which < 2; ++which) {
            double const score = scores[i][which];
            says.up[which] = thumbs.uniform(index, which, 0) < preference(score - median, rule);
            auto const below = std::lower_bound(order.begin(), order.end(), score) - order.begin();
            says.rating[which] = 1 + static_cast<std::int32_t>(5 * below / static_cast<std::ptrdiff_t>(order.size()));
        }
        verdicts.push_back(says);
    }
    return verdicts;
}

std::vector<Verdict> label(stages::Context& context, Source const& source, std::vector<Duel> const& duels,
                           Scores const& gold, infer::Weights const& sft) {
    auto const& config = context.section<config::FeedbackConfig>();
    if (config.source == config::LabelSource::annotators) { return from_people(context, source, duels, gold); }
    bool const ai = config.source == config::LabelSource::ai;
    auto const scores =
        ai ? by_model(context, duels, sft) : by_constitution(stages::load_tokenizer(context.input("corpus")), duels);
    return verdicts_from_scores(scores, {config.choice_temperature, ai}, context.seed(&config::SeedConfig::feedback));
}

}  // namespace alignsweep::sources
