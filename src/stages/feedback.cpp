// SPDX-License-Identifier: Apache-2.0
// feedback: two completions a prompt, labelled as pairs, thumbs and ratings alike, or the same read from files.
#include "core/error.hpp"
#include "data/jsonl.hpp"
#include "model/generate.hpp"
#include "stages/artifacts.hpp"
#include "stages/heldout.hpp"
#include "stages/partners.hpp"
#include "stages/runs.hpp"
#include "stages/runtime.hpp"
#include "world/annotators.hpp"
#include "world/gold.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace alignsweep::stages {

namespace {

using world::PromptKind;

// The prompts, and for each the prompt that its second answer is sampled for: itself, or its twin (a contrast).
struct Questions {
    std::vector<world::Prompt> prompts, asked_second;
    std::vector<bool> contrast;
};

Questions draw_questions(Context const& context, world::World const& world) {
    auto const& config = context.config.feedback;
    auto const stream = context.stream(&config::SeedConfig::feedback, "feedback/prompts");
    Questions questions;
    for (config::Int i = 0; i < config.prompts; ++i) {
        core::Draws draws(stream, 0, static_cast<std::uint32_t>(i));
        auto const prompt = world.prompt(world::Split::train, draws);
        auto const twin = world.twin(prompt, draws);
        bool const contrast = twin.has_value() && draws.chance(config.contrast);
        questions.prompts.push_back(prompt);
        questions.asked_second.push_back(contrast ? *twin : prompt);
        questions.contrast.push_back(contrast);
    }
    return questions;
}

std::vector<model::Completion> sample(Context const& context, Weights const& weights,
                                      std::vector<Tokens> const& prompts, std::uint32_t which) {
    auto const& config = context.config.feedback;
    std::vector<std::int32_t> rows(prompts.size());
    for (std::size_t i = 0; i < rows.size(); ++i) { rows[i] = static_cast<std::int32_t>(i); }
    Transformer transformer(weights.shape);
    return model::generate<Space, Real>(transformer, weights,
                                        {prompts,
                                         rows,
                                         {.temperature = config.temperature},
                                         context.stream(&config::SeedConfig::feedback, "feedback/samples"),
                                         which,
                                         static_cast<int>(config.max_new_tokens),
                                         data::end_token,
                                         static_cast<int>(context.config.model.chunk)});
}

void set_partners(Context const& context, FeedbackData& feedback) {
    std::vector<PartnerRow> rows;
    for (auto const& thumb : feedback.thumbs) {
        auto const& completion = feedback.completions[static_cast<std::size_t>(thumb.completion)];
        rows.push_back({feedback.prompts[static_cast<std::size_t>(completion.prompt)].tokens, completion.tokens});
    }
    auto const partners = draw_partners(rows, static_cast<std::size_t>(context.config.model.context),
                                        context.stream(&config::SeedConfig::feedback, "feedback/partners"));
    for (std::size_t i = 0; i < partners.size(); ++i) {
        feedback.thumbs[i].partner =
            partners[i] < 0 ? -1 : feedback.thumbs[static_cast<std::size_t>(partners[i])].completion;
    }
}

// The newest pair as two thumbs.
void take_apart(FeedbackData& feedback) {
    feedback.thumbs.push_back({feedback.pairs.back().chosen, 1, -1});
    feedback.thumbs.push_back({feedback.pairs.back().rejected, 0, -1});
}

FeedbackData simulated(Context& context) {
    auto const& config = context.config;
    world::World const world(config.world, context.seed(&config::SeedConfig::world));
    data::Tokenizer const tokenizer = load_tokenizer(context.input("corpus"));
    Weights const weights = load_model(context.input("sft"));
    Questions const questions = draw_questions(context, world);
    FeedbackData feedback;
    std::vector<Tokens> first, second;
    for (std::size_t i = 0; i < questions.prompts.size(); ++i) {
        auto const& prompt = questions.prompts[i];
        first.push_back(tokenizer.encode(prompt.text));
        second.push_back(tokenizer.encode(questions.asked_second[i].text));
        feedback.prompts.push_back({first.back(), static_cast<std::int32_t>(prompt.kind), prompt.subject,
                                    prompt.attribute, prompt.form, false});
    }
    auto const answers_first = sample(context, weights, first, 0);
    context.host.progress(0.45);
    auto const answers_second = sample(context, weights, second, 1);
    context.host.progress(0.9);

    std::vector<world::Values> values;
    for (std::size_t i = 0; i < questions.prompts.size(); ++i) {
        for (auto const* answer : {&answers_first[i], &answers_second[i]}) {
            auto const text = tokenizer.decode(answer->tokens);
            values.push_back(world::values(world, questions.prompts[i], text, answer->ended));
            bool const on_policy = answer == &answers_first[i] || !questions.contrast[i];
            feedback.completions.push_back({static_cast<std::int64_t>(i), answer->tokens, on_policy,
                                            world::gold_reward(values.back(), config.world), 0});
        }
    }
    world::Annotators annotators(config.feedback, config.world, context.seed(&config::SeedConfig::feedback));
    std::vector<double> golds;
    for (auto const& completion : feedback.completions) { golds.push_back(completion.gold); }
    std::nth_element(golds.begin(), golds.begin() + static_cast<std::ptrdiff_t>(golds.size() / 2), golds.end());
    annotators.set_standard(golds[golds.size() / 2]);  // the median: both thumbs occur about equally often
    bool const judged_alone = config.feedback.thumbs == "annotators";
    std::int64_t equal = 0;
    for (std::size_t i = 0; i < questions.prompts.size(); ++i) {
        auto const index = static_cast<std::uint32_t>(i);
        auto const a = static_cast<std::int64_t>(2 * i), b = a + 1;
        for (std::uint32_t which = 0; which < 2; ++which) {
            auto const completion = 2 * i + which;
            feedback.completions[completion].rating = annotators.rating(index, which, values[completion]);
            if (judged_alone) {
                bool const up = annotators.thumb(index, which, values[completion]);
                feedback.thumbs.push_back({static_cast<std::int64_t>(completion), up ? 1 : 0, -1});
            }
        }
        if (answers_first[i].tokens == answers_second[i].tokens) {
            ++equal;
            continue;
        }
        bool const first_better = annotators.compare(index, values[2 * i], values[2 * i + 1]).first_better;
        feedback.pairs.push_back(first_better ? FeedbackData::PairRow{a, b} : FeedbackData::PairRow{b, a});
        if (!judged_alone) { take_apart(feedback); }
    }
    context.result.metrics["feedback/equal_answers"] = static_cast<double>(equal);
    return feedback;
}

// Reads preferences and thumbs from files; completions are tokenised, rows that do not fit follow data.too_long.
class RealFeedback {
public:
    explicit RealFeedback(Context& context)
        : context_(context),
          tokenizer_(load_tokenizer(context.input("corpus"))),
          policy_(data::too_long_policy(context.config.data.too_long)) {}

    FeedbackData read() {
        auto const& data = context_.config.data;
        auto const preferences = data::read_preferences(data.preferences);
        count_dropped(preferences.counts);
        for (auto const& row : preferences.rows) {
            auto const added = add(row.prompt, {row.chosen, row.rejected}, data.preferences);
            if (added.empty()) { continue; }
            feedback_.pairs.push_back({added[0], added[1]});
            if (data.thumbs.empty()) { take_apart(feedback_); }
        }
        if (!data.thumbs.empty()) {
            auto const thumbs = data::read_thumbs(data.thumbs);
            count_dropped(thumbs.counts);
            for (auto const& row : thumbs.rows) {
                auto const added = add(row.prompt, {row.completion}, data.thumbs);
                if (!added.empty()) { feedback_.thumbs.push_back({added[0], row.label ? 1 : 0, -1}); }
            }
        }
        context_.result.metrics["feedback/dropped"] = static_cast<double>(dropped_);
        if (feedback_.pairs.empty()) {
            throw core::ConfigError(
                core::concat(data.preferences, ": no pair fits model.context = ", context_.config.model.context));
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
        auto const fitted = data::fit(*longest, context_.config.model.context, policy_, file);
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
    std::int64_t prompt_index(Tokens const& tokens, std::string const& text) {
        bool const heldout = is_heldout(text, context_.config.data.heldout_share);
        auto const next = static_cast<std::int64_t>(feedback_.prompts.size());
        auto const [place, is_new] = index_.try_emplace({tokens, heldout}, next);
        if (is_new) { feedback_.prompts.push_back({tokens, -1, 0, 0, 0, heldout}); }
        return place->second;
    }

    void count_dropped(data::ReadCounts const& counts) { dropped_ += counts.empty_completion + counts.equal_answers; }

    Context& context_;
    data::Tokenizer tokenizer_;
    data::TooLong policy_;
    FeedbackData feedback_;
    std::map<std::pair<Tokens, bool>, std::int64_t> index_;
    std::int64_t dropped_ = 0;
};

}  // namespace

void run_feedback(Context& context) {
    FeedbackData feedback = context.config.data.preferences.empty() ? simulated(context) : RealFeedback(context).read();
    set_partners(context, feedback);
    save_feedback(context.folder(), feedback);
    double tokens = 0.0;
    for (auto const& completion : feedback.completions) { tokens += static_cast<double>(completion.tokens.size()); }
    context.result.metrics["feedback/pairs"] = static_cast<double>(feedback.pairs.size());
    context.result.metrics["feedback/thumbs"] = static_cast<double>(feedback.thumbs.size());
    context.add_cost("tokens/feedback", tokens);
}

}  // namespace alignsweep::stages
