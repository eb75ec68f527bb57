// SPDX-License-Identifier: Apache-2.0
#include "sources/source.hpp"

#include "config/checks.hpp"
#include "core/error.hpp"

#include <algorithm>

namespace alignsweep::sources {

// In the file of each.
std::unique_ptr<Source const> make_text_world(Context& context);
std::unique_ptr<Source const> make_enumerable_world(Context& context);
std::unique_ptr<Source const> make_files(Context& context);

SourceKind source_kind(config::Config const& config) {
    if (config::is_real(config)) { return SourceKind::files; }
    return config::is_enumerable(config) ? SourceKind::enumerable_world : SourceKind::text_world;
}

std::unique_ptr<Source const> open_source(Context& context) {
    if (context.reads_files()) { return make_files(context); }
    if (context.get(&config::WorldConfig::kind) == config::WorldKind::enumerable) {
        return make_enumerable_world(context);
    }
    return make_text_world(context);
}

std::vector<double> Source::judge(std::vector<PromptRow> const& exam, std::vector<Completion> const& answers) const {
    std::vector<double> rewards;
    for (std::size_t i = 0; i < exam.size(); ++i) {
        rewards.push_back(gold(exam[i], answers[i].tokens, answers[i].ended));
    }
    return rewards;
}

double Source::gold(PromptRow const& /*prompt*/, Tokens const& /*completion*/, bool /*ended*/) const {
    throw core::ConfigError("real prompts have no exact gold reward; only the simulated world has");
}

world::Values Source::values(PromptRow const& /*prompt*/, Tokens const& /*completion*/, bool /*ended*/) const {
    throw core::ConfigError("people value texts of the simulated world alone: world.kind = text, without data");
}

bool fit_together(std::vector<data::Example>& answers, config::Int context, config::TooLong policy,
                  std::string const& where) {
    auto const length = [](data::Example const& answer) { return answer.completion.size(); };
    auto const fitted = data::fit(*std::ranges::max_element(answers, {}, length), context, policy, where);
    for (data::Example& answer : answers) { answer.prompt = fitted ? fitted->prompt : Tokens(); }
    return fitted.has_value();
}

CorpusData tokenised(Context& context, Texts const& texts, std::string const& file) {
    CorpusData corpus;
    corpus.tokenizer = data::Tokenizer::train(texts.train, context.section<config::TokenizerConfig>().vocabulary);
    corpus.train = data::token_stream(corpus.tokenizer, texts.train);
    corpus.heldout = data::token_stream(corpus.tokenizer, texts.heldout);
    auto const policy = context.get(&config::DataConfig::too_long);
    for (auto const& row : texts.sft) {
        auto example = data::fit(data::make_example(corpus.tokenizer, row.prompt, row.completion),
                                 context.get(&config::ModelConfig::context), policy, file);
        if (example) { corpus.sft.push_back(std::move(*example)); }
    }
    context.result.metrics["corpus/sft_dropped"] = static_cast<double>(texts.sft.size() - corpus.sft.size());
    return corpus;
}

}  // namespace alignsweep::sources
