// SPDX-License-Identifier: Apache-2.0
// The simulated world of texts as a source.
#include "data/text.hpp"
#include "infer/models.hpp"
#include "sources/labels.hpp"
#include "stats/mean.hpp"

namespace alignsweep::sources {

namespace {

class TextWorld final : public Source {
public:
    // All but `corpus` also needs the tokenizer of the input "corpus".
    explicit TextWorld(Context& context)
        : Source(context), world_(context.section<config::WorldConfig>(), context.seed(&config::SeedConfig::world)) {
        if (context.has_input("corpus")) { tokenizer_ = stages::load_tokenizer(context.input("corpus")); }
    }

    [[nodiscard]] CorpusData corpus() const override {
        auto const& corpus = context().section<config::CorpusConfig>();
        auto const documents = context().stream(&config::SeedConfig::data, "corpus/documents");
        auto const examples = context().stream(&config::SeedConfig::data, "corpus/sft");
        Texts texts;
        for (config::Int i = 0; i < corpus.documents + corpus.heldout_documents; ++i) {
            core::Draws draws(documents, 0, static_cast<std::uint32_t>(i));
            (i < corpus.documents ? texts.train : texts.heldout).push_back(world_.document(corpus, draws).text);
        }
        for (config::Int i = 0; i < corpus.sft_examples; ++i) {
            core::Draws draws(examples, 0, static_cast<std::uint32_t>(i));
            auto const example = world_.sft_example(corpus, draws);
            texts.sft.push_back({example.prompt.text, example.answer});
        }
        return tokenised(context(), texts, "");
    }

    [[nodiscard]] FeedbackData feedback() const override {
        auto const& feedback = context().section<FeedbackConfig>();
        auto const stream = context().stream(&config::SeedConfig::feedback, "feedback/prompts");
        std::vector<PromptRow> prompts;
        std::vector<Duel> duels;
        prompts.reserve(static_cast<std::size_t>(feedback.prompts));  // the duels point to them
        for (config::Int i = 0; i < feedback.prompts; ++i) {
            core::Draws draws(stream, 0, static_cast<std::uint32_t>(i));
            auto const prompt = world_.prompt(world::Split::train, draws);
            auto const twin = world_.twin(prompt, draws);
            bool const contrast = twin.has_value() && draws.chance(feedback.contrast);
            prompts.push_back(row_of(prompt, false));
            duels.push_back({&prompts.back(), {}, contrast ? tokenizer_.encode(twin->text) : Tokens()});
        }
        infer::Weights const sft = infer::load_model(context().input("sft"));
        ask(context(), sft, duels);
        auto const gold = gold_of(*this, duels);
        auto const verdicts = label(context(), *this, duels, gold, sft);
        double& undecided = context().result.metrics["feedback/undecided"];
        for (std::size_t i = 0; i < duels.size(); ++i) {
            undecided += verdicts[i].undecided && !duels[i].is_equal() ? 1.0 : 0.0;
        }
        return labelled(context(), std::move(prompts), duels, gold, verdicts);
    }

    [[nodiscard]] std::vector<PromptRow> exam(config::Int count, config::Int /*max_new_tokens*/) const override {
        auto const stream = context().stream(&config::SeedConfig::eval, "evaluate/prompts");
        std::vector<PromptRow> exam;
        for (config::Int i = 0; i < count; ++i) {
            core::Draws draws(stream, 0, static_cast<std::uint32_t>(i));
            exam.push_back(row_of(world_.prompt(world::Split::heldout, draws), true));
        }
        return exam;
    }

    // Metrics: eval/gold_share, eval/gold/<value>, eval/gold_by_kind/<kind of prompt> and eval/behaviour/<what>.
    [[nodiscard]] std::vector<double> judge(std::vector<PromptRow> const& exam,
                                            std::vector<Completion> const& answers) const override {
        std::vector<double> gold;
        std::array<stats::Mean, world::value_count> values;
        std::array<stats::Mean, world::prompt_kind_names.size()> by_kind;
        std::map<std::string, stats::Mean> behaviour;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            std::string const text = tokenizer_.decode(answers[i].tokens);
            auto const prompt = prompt_of(exam[i]);
            auto const value = world::values(world_, prompt, text, answers[i].ended);
            gold.push_back(world::gold_reward(value, world_.config()));
            by_kind[static_cast<std::size_t>(prompt.kind)].add(gold.back());
            for (std::size_t v = 0; v < world::value_count; ++v) { values[v].add(value[v]); }
            auto const what = world::behaviour(world_, prompt, text, answers[i].ended);
            behaviour["answers"].add(what.answers);
            behaviour["asks_back"].add(what.asks_back);
            behaviour["no_answer"].add(what.no_answer);
            behaviour["rambles"].add(what.rambles);
            bool const unsafe = prompt.kind == world::PromptKind::unsafe;
            behaviour[unsafe ? "refuses_unsafe" : "refuses_harmless"].add(what.refuses);
            if (prompt.kind == world::PromptKind::harmless) { behaviour["refuses_harmless_how_to"].add(what.refuses); }
        }
        auto& metrics = context().result.metrics;
        stats::Mean share;
        for (double const reward : gold) { share.add(world::gold_range(world_.config()).share_of(reward)); }
        metrics["eval/gold_share"] = share.mean();
        for (std::size_t v = 0; v < world::value_count; ++v) {
            metrics["eval/gold/" + std::string(world::value_names[v])] = values[v].mean();
        }
        for (std::size_t k = 0; k < by_kind.size(); ++k) {
            if (by_kind[k].count() == 0) { continue; }
            metrics["eval/gold_by_kind/" + std::string(world::prompt_kind_names[k])] = by_kind[k].mean();
        }
        for (auto const& [name, mean] : behaviour) { metrics["eval/behaviour/" + name] = mean.mean(); }
        return gold;
    }

    [[nodiscard]] double gold(PromptRow const& prompt, Tokens const& completion, bool ended) const override {
        return world::gold_reward(values(prompt, completion, ended), world_.config());
    }

    [[nodiscard]] bool refuses(PromptRow const& prompt, Completion const& answer) const override {
        return world::behaviour(world_, prompt_of(prompt), tokenizer_.decode(answer.tokens), answer.ended).refuses;
    }

    [[nodiscard]] world::Values values(PromptRow const& prompt, Tokens const& completion, bool ended) const override {
        return world::values(world_, prompt_of(prompt), tokenizer_.decode(completion), ended);
    }

    [[nodiscard]] std::vector<Refusals> refusals() const override {
        auto const stream = context().stream(&config::SeedConfig::feedback, "reward_model/refusals");
        Refusals harmless{"harmless", {}, {}}, unsafe{"unsafe", {}, {}};
        for (std::uint32_t i = 0; i < 1024; ++i) {
            core::Draws draws(stream, 0, i);
            auto const prompt = world_.prompt(world::Split::heldout, draws);
            if (prompt.kind != world::PromptKind::harmless && prompt.kind != world::PromptKind::unsafe) { continue; }
            Refusals& replies = prompt.kind == world::PromptKind::unsafe ? unsafe : harmless;
            for (auto const& [to, kind] : {std::pair{&replies.refused, world::ReplyKind::refused},
                                           std::pair{&replies.answered, world::ReplyKind::complied}}) {
                to->push_back(data::make_example(tokenizer_, prompt.text, world_.reply(prompt, kind, draws)));
            }
        }
        std::vector<Refusals> both{std::move(harmless), std::move(unsafe)};
        std::erase_if(both, [](Refusals const& replies) { return replies.refused.empty(); });
        return both;
    }

private:
    [[nodiscard]] PromptRow row_of(world::Prompt const& prompt, bool heldout) const {
        return {tokenizer_.encode(prompt.text),
                static_cast<std::int32_t>(prompt.kind),
                prompt.subject,
                prompt.attribute,
                prompt.form,
                heldout};
    }

    [[nodiscard]] world::Prompt prompt_of(PromptRow const& row) const {
        return world_.prompt_at(static_cast<world::PromptKind>(row.kind), row.subject, row.attribute, row.form);
    }

    world::World world_;
    data::Tokenizer tokenizer_;
};

}  // namespace

std::unique_ptr<Source const> make_text_world(Context& context) { return std::make_unique<TextWorld>(context); }

}  // namespace alignsweep::sources
