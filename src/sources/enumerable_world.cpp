// SPDX-License-Identifier: Apache-2.0
#include "sources/enumerable_world.hpp"

#include "sources/labels.hpp"

namespace alignsweep::sources {

stages::CorpusData EnumerableWorld::corpus() const {
    auto const& corpus = config().get<config::CorpusConfig>();
    auto const documents = context().stream(&config::SeedConfig::data, "corpus/documents");
    auto const examples = context().stream(&config::SeedConfig::data, "corpus/sft");
    stages::CorpusData data{data::Tokenizer::letters(world_.responses().tokens()), {}, {}, {}};
    for (config::Int i = 0; i < corpus.documents + corpus.heldout_documents; ++i) {
        core::Draws draws(documents, 0, static_cast<std::uint32_t>(i));
        auto const document = world_.document(draws);
        stages::Tokens& text = i < corpus.documents ? data.train : data.heldout;
        text.insert(text.end(), document.begin(), document.end());
    }
    for (config::Int i = 0; i < corpus.sft_examples; ++i) {
        core::Draws draws(examples, 0, static_cast<std::uint32_t>(i));
        std::int64_t const prompt = i % world_.prompts();  // each as often as the others
        data.sft.push_back({world_.prompt(prompt), world_.draw_response(prompt, draws)});
    }
    return data;
}

std::vector<stages::PromptRow> EnumerableWorld::exam(config::Int count) const {
    std::vector<stages::PromptRow> prompts;
    for (std::int64_t p = 0; p < std::min(count, world_.prompts()); ++p) {
        prompts.push_back({world_.prompt(p), 0, static_cast<std::int32_t>(p)});
    }
    return prompts;
}

std::vector<double> EnumerableWorld::judge(std::vector<stages::PromptRow> const& exam,
                                           std::vector<model::Completion> const& answers) const {
    std::vector<double> rewards;
    for (std::size_t i = 0; i < exam.size(); ++i) { rewards.push_back(gold(exam[i], answers[i].tokens, true)); }
    return rewards;
}

stages::FeedbackData EnumerableWorld::feedback() const {
    auto const& feedback = config().get<config::FeedbackConfig>();
    auto prompts = exam(world_.prompts());
    std::vector<Question> questions;
    for (config::Int i = 0; i < feedback.prompts; ++i) { questions.push_back({i % world_.prompts()}); }
    auto const duels = ask(context(), infer::load_model(context().input("sft")), prompts, questions);
    auto const gold = gold_of(*this, duels);
    auto verdicts = verdicts_from_scores(gold, {feedback.choice_temperature, true, feedback.flip},
                                         context().seed(&config::SeedConfig::feedback));
    for (Verdict& says : verdicts) { says.rating = {}; }  // nobody rates here
    return labelled(context(), std::move(prompts), questions, duels, gold, verdicts);
}

}  // namespace alignsweep::sources
