// SPDX-License-Identifier: Apache-2.0
// feedback: two completions a prompt, labelled as pairs, thumbs and ratings alike, or the same read from files.
#include "core/error.hpp"
#include "data/jsonl.hpp"
#include "infer/sampling.hpp"
#include "sources/enumerable.hpp"
#include "sources/heldout.hpp"
#include "sources/labels.hpp"
#include "sources/skipped_rows.hpp"
#include "stages/artifacts.hpp"
#include "stages/descriptor.hpp"
#include "stages/reads.hpp"
#include "train/partners.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace alignsweep::kinds {

namespace {

using stages::Reads;

// Draws the prompts, and for each the prompt that its second answer is sampled for: itself, or its twin (a contrast).
struct Drawn {
    std::vector<world::Prompt> prompts, asked_second;
    std::vector<bool> contrast;
};

Drawn draw_prompts(stages::Context const& context, world::World const& world) {
    auto const& config = context.section<config::FeedbackConfig>();
    auto const stream = context.stream(&config::SeedConfig::feedback, "feedback/prompts");
    Drawn drawn;
    for (config::Int i = 0; i < config.prompts; ++i) {
        core::Draws draws(stream, 0, static_cast<std::uint32_t>(i));
        auto const prompt = world.prompt(world::Split::train, draws);
        auto const twin = world.twin(prompt, draws);
        bool const contrast = twin.has_value() && draws.chance(config.contrast);
        drawn.prompts.push_back(prompt);
        drawn.asked_second.push_back(contrast ? *twin : prompt);
        drawn.contrast.push_back(contrast);
    }
    return drawn;
}

sources::Questions ask(stages::Context const& context, Drawn const& drawn, sources::Gold const& gold,
                       infer::Weights const& weights) {
    sources::Questions questions{drawn.prompts, {}, {}, {}, {}};
    std::vector<stages::Tokens> second;
    for (std::size_t i = 0; i < drawn.prompts.size(); ++i) {
        questions.tokens.push_back(gold.tokenizer().encode(drawn.prompts[i].text));
        second.push_back(gold.tokenizer().encode(drawn.asked_second[i].text));
    }
    auto const& config = context.section<config::FeedbackConfig>();
    infer::Transformer transformer(weights.shape);
    auto const answers = [&](std::vector<stages::Tokens> const& asked, std::uint32_t which) {
        infer::SamplingPlan const plan{context.stream(&config::SeedConfig::feedback, "feedback/samples"), which,
                                       config.temperature, config.max_new_tokens};
        return infer::sample(transformer, weights, asked, plan, context.chunk(),
                             [&](double share) { context.pass(0.45 * (which + share)); });
    };
    auto const first_answers = answers(questions.tokens, 0), second_answers = answers(second, 1);
    for (std::size_t i = 0; i < second.size(); ++i) {
        questions.answers.push_back({first_answers[i], second_answers[i]});
        std::array<world::Values, 2> values;
        for (std::size_t k = 0; k < 2; ++k) {
            auto const& answer = questions.answers[i][k];
            values[k] = gold.values(drawn.prompts[i], answer.tokens, answer.ended);
        }
        questions.values.push_back(values);
        questions.gold.push_back({world::gold_reward(values[0], context.section<config::WorldConfig>()),
                                  world::gold_reward(values[1], context.section<config::WorldConfig>())});
    }
    return questions;
}

// Each thumb's mismatched partner, drawn once.
void add_partners(stages::Context const& context, stages::FeedbackData& feedback) {
    std::vector<train::Judged> judged;
    for (auto const& thumb : feedback.thumbs) {
        auto const& completion = feedback.completions[static_cast<std::size_t>(thumb.completion)];
        judged.push_back({&feedback.prompts[static_cast<std::size_t>(completion.prompt)].tokens, &completion.tokens});
    }
    auto const partners = train::draw_partners(judged, context.get(&config::ModelConfig::context),
                                               context.stream(&config::SeedConfig::feedback, "feedback/partners"), 0);
    for (std::size_t i = 0; i < partners.size(); ++i) {
        auto const other = static_cast<std::size_t>(partners[i]);
        feedback.thumbs[i].partner = partners[i] < 0 ? -1 : feedback.thumbs[other].completion;
    }
}

// A pair as two thumbs.
void take_apart(stages::FeedbackData& feedback, std::int64_t chosen, std::int64_t rejected) {
    feedback.thumbs.push_back({chosen, 1, -1});
    feedback.thumbs.push_back({rejected, 0, -1});
}

// How often a label names the answer with the higher gold reward as the better one.
void measure_agreement(stages::Context& context, stages::FeedbackData const& feedback) {
    double agreed = 0.0, counted = 0.0;
    for (auto const& pair : feedback.pairs) {
        double const gap = feedback.completions[static_cast<std::size_t>(pair.chosen)].gold -
                           feedback.completions[static_cast<std::size_t>(pair.rejected)].gold;
        if (std::isnan(gap) || gap == 0.0) { continue; }
        agreed += gap > 0.0 ? 1.0 : 0.0;
        counted += 1.0;
    }
    if (counted > 0.0) { context.result.metrics["feedback/agreement"] = agreed / counted; }
}

stages::FeedbackData simulated(stages::Context& context) {
    auto const& config = context.section<config::FeedbackConfig>();
    sources::Gold const gold(context);
    infer::Weights const sft = infer::load_model(context.input("sft"));
    Drawn const drawn = draw_prompts(context, gold.world());
    sources::Questions const questions = ask(context, drawn, gold, sft);
    auto const labels = sources::label(context, questions, gold, sft);
    stages::FeedbackData feedback;
    bool const judged_alone = config.thumbs == config::ThumbLabels::annotators,
               soft = config.labels == config::PairLabels::probabilities;
    double equal = 0.0, undecided = 0.0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        auto const& prompt = drawn.prompts[i];
        auto const& says = labels[i];
        feedback.prompts.push_back({questions.tokens[i], static_cast<std::int32_t>(prompt.kind), prompt.subject,
                                    prompt.attribute, prompt.form, false});
        auto const a = static_cast<std::int64_t>(2 * i), b = a + 1;
        for (std::size_t k = 0; k < 2; ++k) {
            feedback.completions.push_back({static_cast<std::int64_t>(i), questions.answers[i][k].tokens,
                                            k == 0 || !drawn.contrast[i], questions.gold[i][k], says.rating[k]});
            if (judged_alone) { feedback.thumbs.push_back({a + static_cast<std::int64_t>(k), says.up[k] ? 1 : 0, -1}); }
        }
        if (questions.answers[i][0].tokens == questions.answers[i][1].tokens) {
            equal += 1.0;
            continue;
        }
        undecided += says.undecided ? 1.0 : 0.0;
        if (says.undecided && !soft) { continue; }
        if (!judged_alone && !says.undecided) {
            take_apart(feedback, says.chose_first ? a : b, says.chose_first ? b : a);
        }
        // A soft label names the likelier one as chosen, so that what reads only the order reads the best of it.
        bool const first = soft ? says.first_better >= 0.5 : says.chose_first;
        double const probability = soft ? std::max(says.first_better, 1.0 - says.first_better) : 1.0;
        feedback.pairs.push_back({first ? a : b, first ? b : a, probability});
    }
    context.result.metrics["feedback/equal_answers"] = equal;
    context.result.metrics["feedback/undecided"] = undecided;
    return feedback;
}

// Reads preferences and thumbs from files; completions are tokenised, rows that do not fit follow data.too_long.
class RealFeedback {
public:
    explicit RealFeedback(stages::Context& context)
        : context_(context),
          tokenizer_(stages::load_tokenizer(context.input("corpus"))),
          policy_(context.get(&config::DataConfig::too_long)) {}

    stages::FeedbackData read() {
        auto const& preferences_file = context_.get(&config::DataConfig::preferences);
        auto const& thumbs_file = context_.get(&config::DataConfig::thumbs);
        auto const bad_rows = context_.get(&config::DataConfig::bad_rows);
        auto const preferences = data::read_preferences(preferences_file, bad_rows);
        count_dropped(preferences_file, preferences.counts);
        for (auto const& row : preferences.rows) {
            auto const added = add(row.prompt, {row.chosen, row.rejected}, preferences_file);
            if (added.empty()) { continue; }
            feedback_.pairs.push_back({added[0], added[1], 1.0});
            if (thumbs_file.empty()) { take_apart(feedback_, added[0], added[1]); }
        }
        if (!thumbs_file.empty()) {
            auto const thumbs = data::read_thumbs(thumbs_file, bad_rows);
            count_dropped(thumbs_file, thumbs.counts);
            for (auto const& row : thumbs.rows) {
                auto const added = add(row.prompt, {row.completion}, thumbs_file);
                if (!added.empty()) { feedback_.thumbs.push_back({added[0], row.label ? 1 : 0, -1}); }
            }
        }
        context_.result.metrics["feedback/dropped"] = static_cast<double>(dropped_);
        if (feedback_.pairs.empty()) {
            throw core::ConfigError(core::concat(
                preferences_file, ": no pair fits model.context = ", context_.get(&config::ModelConfig::context)));
        }
        return std::move(feedback_);
    }

private:
    // Indices of a row's new completions; none where the longest does not fit. They share one prompt, cut for the
    // longest: policy, reference and both answers of a pair must see the same.
    std::vector<std::int64_t> add(std::string const& prompt, std::vector<std::string> const& answers,
                                  std::string const& file) {
        std::vector<data::Example> examples;
        for (auto const& answer : answers) { examples.push_back(data::make_example(tokenizer_, prompt, answer)); }
        auto const longest = std::max_element(examples.begin(), examples.end(), [](auto const& a, auto const& b) {
            return a.completion.size() < b.completion.size();
        });
        auto const fitted = data::fit(*longest, context_.get(&config::ModelConfig::context), policy_, file);
        if (!fitted || fitted->prompt.empty()) {
            ++dropped_;
            return {};
        }
        std::int64_t const asked = prompt_index(fitted->prompt, prompt);
        std::vector<std::int64_t> added;
        for (auto& example : examples) {
            added.push_back(static_cast<std::int64_t>(feedback_.completions.size()));
            feedback_.completions.push_back(
                {asked, std::move(example.completion), true, std::numeric_limits<double>::quiet_NaN(), 0});
        }
        return added;
    }

    // Every prompt stands once, however many rows it has: PPO and evaluation ask it once a round.
    std::int64_t prompt_index(stages::Tokens const& tokens, std::string const& text) {
        bool const heldout = sources::is_heldout(text, context_.get(&config::DataConfig::heldout_share));
        auto const next = static_cast<std::int64_t>(feedback_.prompts.size());
        auto const [place, is_new] = index_.try_emplace({tokens, heldout}, next);
        if (is_new) { feedback_.prompts.push_back({tokens, -1, 0, 0, 0, heldout}); }
        return place->second;
    }

    void count_dropped(std::string const& file, data::ReadCounts const& counts) {
        dropped_ += counts.empty_completion + counts.equal_answers;
        sources::count_skipped_rows(context_, file, counts);
    }

    stages::Context& context_;
    data::Tokenizer tokenizer_;
    data::TooLong policy_;
    stages::FeedbackData feedback_;
    std::map<std::pair<stages::Tokens, bool>, std::int64_t> index_;
    std::int64_t dropped_ = 0;
};

void run_feedback(stages::Context& context) {
    stages::FeedbackData feedback = !context.get(&config::DataConfig::preferences).empty()
                                        ? RealFeedback(context).read()
                                    : sources::is_enumerable(context) ? sources::enumerable_feedback(context)
                                                                      : simulated(context);
    add_partners(context, feedback);
    measure_agreement(context, feedback);
    stages::save_feedback(context.folder(), feedback);
    double tokens = 0.0;
    for (auto const& completion : feedback.completions) { tokens += static_cast<double>(completion.tokens.size()); }
    context.result.metrics["feedback/pairs"] = static_cast<double>(feedback.pairs.size());
    context.result.metrics["feedback/thumbs"] = static_cast<double>(feedback.thumbs.size());
    context.add_cost("tokens/feedback", tokens);
}

}  // namespace

stages::Descriptor describe_feedback() {
    using config::DataConfig;
    return {.name = "feedback",
            .version = 2,
            .run = run_feedback,
            .reads =
                [](Reads& r) {
                    r.keys(&DataConfig::preferences).seeds(&config::SeedConfig::feedback);
                    if (r.get<DataConfig>().preferences.empty()) {
                        r.gold().section<config::FeedbackConfig>().model_limits();
                        return;
                    }
                    r.keys(&DataConfig::thumbs, &DataConfig::too_long, &DataConfig::heldout_share);
                    r.keys(&config::ModelConfig::context);
                    r.bad_rows();
                },
            .inputs =
                [](config::Config const& config, stages::Descriptor const*) {
                    std::vector<stages::Input> inputs{{"corpus", "corpus"}};
                    // Real feedback is read, not sampled.
                    if (config.get<DataConfig>().preferences.empty()) { inputs.push_back({"sft", "sft"}); }
                    return inputs;
                },
            .work =
                [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
                    auto const prompts = static_cast<double>(spec.config.get<config::FeedbackConfig>().prompts);
                    return stages::Work{0.0, 2.0 * prompts * lengths.answer};
                },
            .slowness = 6.3,
            .entry =
                stages::Entry{
                    "who labels",
                    "P(first better) = sigma((r_1 - r_2) / choice_temperature), r by each annotator's values",
                    "Bradley and Terry 1952",
                    {{"feedback.source", "annotators", "simulated people", "Christiano et al. 1706.03741"},
                     {"feedback.source", "ai", "a language model judges", "Lee et al. 2309.00267"},
                     {"feedback.source", "constitution", "explicit rules judge", "Bai et al. 2212.08073"},
                     {"feedback.labels", "choices", "a drawn choice", ""},
                     {"feedback.labels", "probabilities", "the probability of the choice", "Lee et al. 2309.00267"},
                     {"feedback.thumbs", "pairs", "thumbs: the pairs taken apart", "Ethayarajh et al. 2402.01306"},
                     {"feedback.thumbs", "annotators", "thumbs: each answer judged alone",
                      "Ethayarajh et al. 2402.01306"}}}};
}

}  // namespace alignsweep::kinds
