// SPDX-License-Identifier: Apache-2.0
// The world whose responses can all be listed as a source.
#include "sources/labels.hpp"

#include <algorithm>

namespace alignsweep::sources {

namespace {

class EnumerableWorld final : public Source {
public:
    explicit EnumerableWorld(Context& context)
        : Source(context),
          world_(context.section<config::EnumerableConfig>(), context.seed(&config::SeedConfig::world)) {}

    // Documents for pre-training and answers for SFT, both drawn from the corpus' own next-token distribution.
    [[nodiscard]] CorpusData corpus() const override {
        auto const& corpus = context().section<config::CorpusConfig>();
        auto const documents = context().stream(&config::SeedConfig::data, "corpus/documents");
        auto const examples = context().stream(&config::SeedConfig::data, "corpus/sft");
        CorpusData data{data::Tokenizer::letters(world_.responses().tokens()), {}, {}, {}};
        for (config::Int i = 0; i < corpus.documents + corpus.heldout_documents; ++i) {
            core::Draws draws(documents, 0, static_cast<std::uint32_t>(i));
            auto const document = world_.document(draws);
            Tokens& text = i < corpus.documents ? data.train : data.heldout;
            text.insert(text.end(), document.begin(), document.end());
        }
        for (config::Int i = 0; i < corpus.sft_examples; ++i) {
            core::Draws draws(examples, 0, static_cast<std::uint32_t>(i));
            std::int64_t const prompt = i % world_.prompts();  // each as often as the others
            data.sft.push_back({world_.prompt(prompt), world_.draw_response(prompt, draws)});
        }
        return data;
    }

    // feedback.prompts questions, the prompts in turn, each answered twice by the SFT model. Labels are Bradley-Terry
    // on the gold reward at feedback.choice_temperature, flipped with probability feedback.flip; nobody has weights of
    // their own or a bias. Thumbs come from the drawn choices, whatever feedback.labels.
    [[nodiscard]] FeedbackData feedback() const override {
        auto const& feedback = context().section<FeedbackConfig>();
        auto prompts = exam(world_.prompts(), 0);
        std::vector<Duel> duels;
        for (config::Int i = 0; i < feedback.prompts; ++i) {
            duels.push_back({&prompts[static_cast<std::size_t>(i % world_.prompts())]});
        }
        ask(context(), infer::load_model(context().input("sft")), duels);
        auto const gold = gold_of(*this, duels);
        auto verdicts = verdicts_from_scores(gold, {feedback.people.choice_temperature, true, feedback.people.flip},
                                             context().seed(&config::SeedConfig::feedback));
        for (Verdict& says : verdicts) { says.rating = {}; }  // this world has no ratings
        return labelled(context(), std::move(prompts), duels, gold, verdicts);
    }

    // No prompt is held out here.
    [[nodiscard]] std::vector<PromptRow> exam(config::Int count, config::Int /*max_new_tokens*/) const override {
        std::vector<PromptRow> prompts;
        for (std::int64_t p = 0; p < std::min(count, world_.prompts()); ++p) {
            prompts.push_back({world_.prompt(p), 0, static_cast<std::int32_t>(p)});
        }
        return prompts;
    }

    [[nodiscard]] double gold(PromptRow const& prompt, Tokens const& completion, bool /*ended*/) const override {
        return world_.reward(prompt.subject, completion);
    }
    [[nodiscard]] world::Enumerable const* listed() const override { return &world_; }

private:
    world::Enumerable world_;
};

}  // namespace

std::unique_ptr<Source const> make_enumerable_world(Context& context) {
    return std::make_unique<EnumerableWorld>(context);
}

}  // namespace alignsweep::sources
