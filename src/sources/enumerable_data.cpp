// SPDX-License-Identifier: Apache-2.0
// corpus and feedback in the enumerable world.
#include "infer/sampling.hpp"
#include "losses/loss.hpp"
#include "sources/enumerable.hpp"
#include "sources/gold.hpp"

#include <algorithm>

namespace alignsweep::sources {

world::Enumerable enumerable_world(stages::Context const& context) {
    return {context.section<config::EnumerableConfig>(), context.seed(&config::SeedConfig::world)};
}

stages::CorpusData enumerable_corpus(stages::Context const& context) {
    auto const& corpus = context.section<config::CorpusConfig>();
    auto const world = enumerable_world(context);
    auto const documents = context.stream(&config::SeedConfig::data, "corpus/documents");
    auto const examples = context.stream(&config::SeedConfig::data, "corpus/sft");
    stages::CorpusData data{data::Tokenizer::letters(world.responses().tokens()), {}, {}, {}};
    for (config::Int i = 0; i < corpus.documents + corpus.heldout_documents; ++i) {
        core::Draws draws(documents, 0, static_cast<std::uint32_t>(i));
        auto const document = world.document(draws);
        stages::Tokens& text = i < corpus.documents ? data.train : data.heldout;
        text.insert(text.end(), document.begin(), document.end());
    }
    for (config::Int i = 0; i < corpus.sft_examples; ++i) {
        core::Draws draws(examples, 0, static_cast<std::uint32_t>(i));
        std::int64_t const prompt = i % world.prompts();  // each as often as the others
        data.sft.push_back({world.prompt(prompt), world.draw_response(prompt, draws)});
    }
    return data;
}

namespace {

// Probability that something better by `margin` is called better.
double choice_probability(double margin, config::FeedbackConfig const& config) {
    double const clean = config.choice_temperature > 0.0 ? losses::sigmoid(margin / config.choice_temperature)
                         : margin == 0.0                 ? 0.5
                                                         : (margin > 0.0 ? 1.0 : 0.0);
    return clean * (1.0 - config.flip) + (1.0 - clean) * config.flip;
}

double median(std::vector<double> values) {
    auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace

stages::FeedbackData enumerable_feedback(stages::Context& context) {
    auto const& config = context.section<config::FeedbackConfig>();
    auto const world = enumerable_world(context);
    Gold const gold(context);
    infer::Weights const weights = infer::load_model(context.input("sft"));
    stages::FeedbackData feedback;
    for (std::int64_t p = 0; p < world.prompts(); ++p) {
        feedback.prompts.push_back({world.prompt(p), 0, static_cast<std::int32_t>(p)});
    }
    auto const prompt_of = [&](config::Int i) -> stages::PromptRow const& {
        return feedback.prompts[static_cast<std::size_t>(i % world.prompts())];
    };
    std::vector<stages::Tokens> asked;
    for (config::Int i = 0; i < config.prompts; ++i) { asked.push_back(prompt_of(i).tokens); }
    infer::Transformer transformer(weights.shape);
    auto const answers = [&](std::uint32_t which) {
        infer::SamplingPlan const plan{context.stream(&config::SeedConfig::feedback, "feedback/samples"), which,
                                       config.temperature, config.max_new_tokens};
        return infer::sample(transformer, weights, asked, plan, context.chunk());
    };
    auto const first = answers(0);
    context.progress(0.45);
    auto const second = answers(1);
    context.progress(0.9);

    std::vector<double> golds;
    for (config::Int i = 0; i < config.prompts; ++i) {
        auto const row = static_cast<std::size_t>(i);
        for (auto const* answer : {&first[row], &second[row]}) {
            golds.push_back(gold.reward(prompt_of(i), answer->tokens, answer->ended));
            feedback.completions.push_back({i % world.prompts(), answer->tokens, true, golds.back(), 0});
        }
    }
    double const standard = median(golds);
    auto const choices = context.stream(&config::SeedConfig::feedback, "feedback/pairs");
    auto const thumbs = context.stream(&config::SeedConfig::feedback, "feedback/thumbs");
    bool const judged_alone = config.thumbs == config::ThumbLabels::annotators,
               soft = config.labels == config::PairLabels::probabilities;
    std::int64_t equal = 0;
    for (config::Int i = 0; i < config.prompts; ++i) {
        auto const row = static_cast<std::uint32_t>(i);
        std::int64_t const a = 2 * i, b = a + 1;
        double const gold_a = golds[static_cast<std::size_t>(a)], gold_b = golds[static_cast<std::size_t>(b)];
        for (std::int64_t const answer : {a, b}) {
            if (!judged_alone) { continue; }
            double const margin = golds[static_cast<std::size_t>(answer)] - standard;
            double const u = thumbs.uniform(row, static_cast<std::uint32_t>(answer - a), 0);
            feedback.thumbs.push_back({answer, u < choice_probability(margin, config) ? 1 : 0, -1});
        }
        if (first[row].tokens == second[row].tokens) {
            ++equal;
            continue;
        }
        double const a_better = choice_probability(gold_a - gold_b, config);
        bool const chose_a = choices.uniform(row, 0, 0) < a_better;
        if (!judged_alone) {
            feedback.thumbs.push_back({chose_a ? a : b, 1, -1});
            feedback.thumbs.push_back({chose_a ? b : a, 0, -1});
        }
        // A soft label names the likelier one as chosen, so that what reads only the order reads the best of it.
        bool const a_chosen = soft ? a_better >= 0.5 : chose_a;
        double const probability = soft ? std::max(a_better, 1.0 - a_better) : 1.0;
        feedback.pairs.push_back({a_chosen ? a : b, a_chosen ? b : a, probability});
    }
    context.result.metrics["feedback/equal_answers"] = static_cast<double>(equal);
    return feedback;
}

}  // namespace alignsweep::sources
