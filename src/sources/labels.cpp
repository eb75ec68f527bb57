// SPDX-License-Identifier: Apache-2.0
#include "sources/labels.hpp"

#include "losses/loss.hpp"
#include "train/cost_meter.hpp"
#include "train/rollout.hpp"
#include "world/judges.hpp"

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

std::vector<std::array<world::Values, 2>> values_of(Source const& source, std::vector<Duel> const& duels) {
    return of_answers<world::Values>(duels, [&](auto const& prompt, Completion const& answer) {
        return source.values(prompt, answer.tokens, answer.ended);
    });
}

std::vector<Verdict> from_people(Context const& context, Source const& source, std::vector<Duel> const& duels,
                                 Scores const& gold) {
    world::Annotators people(context.section<FeedbackConfig>().people, context.section<config::WorldConfig>(),
                             context.seed(&config::SeedConfig::feedback));
    auto const golds = sorted(gold);
    people.set_standard(golds[golds.size() / 2]);  // the median: both thumbs occur about equally often
    auto const values = values_of(source, duels);
    std::vector<Verdict> verdicts;
    for (std::size_t i = 0; i < duels.size(); ++i) {
        auto const index = static_cast<std::uint32_t>(i);
        auto const& [first, second] = values[i];
        Verdict says{people.preference(index, first, second), people.compare(index, first, second)};
        for (std::uint32_t which = 0; which < 2; ++which) {
            says.up[which] = people.thumb(index, which, values[i][which]);
            says.rating[which] = people.rating(index, which, values[i][which]);
        }
        verdicts.push_back(says);
    }
    return verdicts;
}

// The two answers of each duel in turn, after their prompt; and what is known of these, by duel.
std::vector<data::Example> examples_of(std::vector<Duel> const& duels) {
    std::vector<data::Example> examples;
    for (Duel const& duel : duels) {
        for (auto const& answer : duel.answers) { examples.push_back({duel.prompt->tokens, answer.tokens}); }
    }
    return examples;
}
Scores by_duel(std::vector<double> const& numbers) {
    Scores scores;
    for (std::size_t i = 0; i < numbers.size(); i += 2) { scores.push_back({numbers[i], numbers[i + 1]}); }
    return scores;
}

Scores by_constitution(data::Tokenizer const& tokenizer, std::vector<Duel> const& duels) {
    return of_answers<double>(duels, [&](PromptRow const& prompt, Completion const& answer) {
        return world::constitution_score(
            world::rules_kept(tokenizer.decode(prompt.tokens), tokenizer.decode(answer.tokens), answer.ended));
    });
}

Scores by_model(Context& context, std::vector<Duel> const& duels, infer::Weights const& judge) {
    auto const examples = examples_of(duels);
    infer::Transformer transformer(judge.shape);
    auto means = infer::sequence_logprobs(transformer, judge, infer::pointers(examples), context.chunk());
    train::add_model_cost(context, "judge", judge.layout.parameter_count(), train::tokens_of(examples));
    for (std::size_t i = 0; i < examples.size(); ++i) {
        means[i] /= static_cast<double>(std::max<std::size_t>(1, examples[i].completion.size()));
    }
    return by_duel(means);
}

}  // namespace

void ask(Context const& context, infer::Weights const& sft, std::vector<Duel>& duels) {
    auto const& config = context.section<FeedbackConfig>();
    std::array<std::vector<Tokens>, 2> asked;
    for (Duel const& duel : duels) {
        asked[0].push_back(duel.prompt->tokens);
        asked[1].push_back(duel.contrast.empty() ? duel.prompt->tokens : duel.contrast);
    }
    infer::Transformer transformer(sft.shape);
    auto const stream = context.stream(&config::SeedConfig::feedback, "feedback/samples");
    for (std::uint32_t which = 0; which < 2; ++which) {
        auto answers =
            train::answer(transformer, sft, asked[which], {stream, which, config.temperature, config.max_new_tokens},
                          context.chunk(), [&](double share) { context.pass(0.45 * (which + share)); });
        for (std::size_t i = 0; i < duels.size(); ++i) { duels[i].answers[which] = std::move(answers.completions[i]); }
    }
}

Scores gold_of(Source const& source, std::vector<Duel> const& duels) {
    return of_answers<double>(duels, [&](PromptRow const& prompt, Completion const& answer) {
        return source.gold(prompt, answer.tokens, answer.ended);
    });
}

void take_apart(FeedbackData& feedback, std::int64_t chosen, std::int64_t rejected) {
    feedback.thumbs.push_back({chosen, 1, -1});
    feedback.thumbs.push_back({rejected, 0, -1});
}

FeedbackData labelled(Context& context, std::vector<PromptRow> prompts, std::vector<Duel> const& duels,
                      Scores const& gold, std::vector<Verdict> const& verdicts) {
    auto const& config = context.section<FeedbackConfig>();
    bool const judged_alone = config.thumbs == ThumbLabels::annotators,
               soft = config.labels == PairLabels::probabilities;
    FeedbackData feedback;
    feedback.prompts = std::move(prompts);
    double& equal = context.result.metrics["feedback/equal_answers"];
    for (std::size_t i = 0; i < duels.size(); ++i) {
        Verdict const& says = verdicts[i];
        auto const a = static_cast<std::int64_t>(2 * i), b = a + 1;
        for (std::size_t k = 0; k < 2; ++k) {
            feedback.completions.push_back({duels[i].prompt - feedback.prompts.data(), duels[i].answers[k].tokens,
                                            k == 0 || duels[i].contrast.empty(), gold[i][k], says.rating[k]});
            if (judged_alone) { feedback.thumbs.push_back({a + static_cast<std::int64_t>(k), says.up[k] ? 1 : 0, -1}); }
        }
        if (duels[i].is_equal()) {
            equal += 1.0;
            continue;
        }
        if (says.undecided && !soft) { continue; }
        if (!judged_alone && !says.undecided) {
            take_apart(feedback, says.chose_first ? a : b, says.chose_first ? b : a);
        }
        // A soft label names the likelier one as chosen, so that what reads only the order reads the best of it.
        bool const first = soft ? says.first_better >= 0.5 : says.chose_first;
        double const probability = soft ? std::max(says.first_better, 1.0 - says.first_better) : 1.0;
        feedback.pairs.push_back({first ? a : b, first ? b : a, probability});
    }
    return feedback;
}

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

std::vector<Verdict> label(Context& context, Source const& source, std::vector<Duel> const& duels, Scores const& gold,
                           infer::Weights const& sft) {
    auto const& config = context.section<FeedbackConfig>();
    if (config.source == LabelSource::annotators) { return from_people(context, source, duels, gold); }
    bool const ai = config.source == LabelSource::ai;
    auto const scores =
        ai ? by_model(context, duels, sft) : by_constitution(stages::load_tokenizer(context.input("corpus")), duels);
    return verdicts_from_scores(scores, {config.people.choice_temperature, ai},
                                context.seed(&config::SeedConfig::feedback));
}

OnlineJudge::OnlineJudge(Context& context, Judge who) {
    if (who == Judge::reward_model) {
        reward_.emplace(context.input("reward_model"), context.chunk());
        return;
    }
    source_ = open_source(context);
    if (who == Judge::annotators) {
        asked_before_ = context.section<FeedbackConfig>().prompts;
        people_.emplace(context.section<FeedbackConfig>().people, context.section<config::WorldConfig>(),
                        context.seed(&config::SeedConfig::feedback));
    }
}

OnlineJudge::Judgement OnlineJudge::judge(std::vector<Duel> const& duels, std::int64_t first) {
    Judgement judgement;
    auto const examples = examples_of(duels);
    judgement.rewards = reward_ ? by_duel(reward_->score(infer::pointers(examples))) : gold_of(*source_, duels);
    auto const values = people_ ? values_of(*source_, duels) : std::vector<std::array<world::Values, 2>>();
    for (std::size_t i = 0; i < duels.size(); ++i) {
        auto const [one, other] = judgement.rewards[i];
        Verdict says;
        if (people_) {
            auto const index = static_cast<std::uint32_t>(asked_before_ + first + static_cast<std::int64_t>(i));
            says.chose_first = people_->compare(index, values[i][0], values[i][1]);
        } else {
            says.chose_first = one > other;
            says.undecided = one == other;
        }
        judgement.verdicts.push_back(says);
    }
    return judgement;
}

}  // namespace alignsweep::sources
