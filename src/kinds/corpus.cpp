// SPDX-License-Identifier: Apache-2.0
// corpus: the text for pre-training, the tokenizer trained on it, and SFT's questions and answers.
#include "core/error.hpp"
#include "data/jsonl.hpp"
#include "data/text.hpp"
#include "kinds/runs.hpp"
#include "sources/enumerable.hpp"
#include "sources/heldout.hpp"
#include "sources/skipped_rows.hpp"
#include "world/world.hpp"

#include <cmath>

namespace alignsweep::kinds {

namespace {

struct Texts {
    std::vector<std::string> train, heldout;
    std::vector<data::Completion> sft;
};

Texts simulated(stages::Context const& context) {
    auto const& corpus = context.config.get<config::CorpusConfig>();
    world::World const world(context.config.get<config::WorldConfig>(), context.seed(&config::SeedConfig::world));
    auto const documents = context.stream(&config::SeedConfig::data, "corpus/documents");
    auto const examples = context.stream(&config::SeedConfig::data, "corpus/sft");
    Texts texts;
    for (config::Int i = 0; i < corpus.documents + corpus.heldout_documents; ++i) {
        core::Draws draws(documents, 0, static_cast<std::uint32_t>(i));
        (i < corpus.documents ? texts.train : texts.heldout).push_back(world.document(corpus, draws));
    }
    for (config::Int i = 0; i < corpus.sft_examples; ++i) {
        core::Draws draws(examples, 0, static_cast<std::uint32_t>(i));
        auto const example = world.sft_example(corpus, draws);
        texts.sft.push_back({example.prompt.text, example.answer});
    }
    return texts;
}

// Without what answers a held-out prompt.
std::vector<data::Completion> real_sft(stages::Context& context) {
    config::DataConfig const& data = context.config.get<config::DataConfig>();
    auto const bad_rows = data.bad_rows;
    std::vector<data::Completion> rows;
    if (!data.sft.empty()) {
        auto read = data::read_completions(data.sft, bad_rows);
        sources::count_skipped_rows(context, data.sft, read.counts);
        rows = std::move(read.rows);
    } else {
        auto const read = data::read_preferences(data.preferences, bad_rows);
        sources::count_skipped_rows(context, data.preferences, read.counts);
        for (auto const& row : read.rows) { rows.push_back({row.prompt, row.chosen}); }
    }
    std::erase_if(rows, [&](auto const& row) { return sources::is_heldout(row.prompt, data.heldout_share); });
    return rows;
}

// Documents of a text; one without blank lines is cut in two between words, so that a share of it can be held out.
std::vector<std::string> documents_of(config::DataConfig const& data) {
    auto documents = data::split_documents(data::read_text(data.corpus));
    if (documents.size() > 1 || data.heldout_share == 0.0) { return documents; }
    std::string& text = documents.at(0);
    auto const share = static_cast<std::size_t>((1.0 - data.heldout_share) * static_cast<double>(text.size()));
    std::size_t const cut = text.find_last_of(" \n", share);
    if (cut != std::string::npos) {
        documents.push_back(text.substr(cut + 1));
        documents[0].resize(cut);
    }
    return documents;
}

Texts real(stages::Context& context) {
    auto const& data = context.config.get<config::DataConfig>();
    Texts texts;
    auto const documents = documents_of(data);
    // The end of the text is held out: neighbouring documents are alike, so a random share would leak.
    auto const kept =
        static_cast<std::size_t>(std::ceil(static_cast<double>(documents.size()) * (1.0 - data.heldout_share)));
    texts.train.assign(documents.begin(), documents.begin() + static_cast<std::ptrdiff_t>(kept));
    texts.heldout.assign(documents.begin() + static_cast<std::ptrdiff_t>(kept), documents.end());
    texts.sft = real_sft(context);
    return texts;
}

stages::CorpusData tokenised(stages::Context& context, Texts const& texts) {
    auto const& config = context.config;
    stages::CorpusData corpus;
    corpus.tokenizer = data::Tokenizer::train(texts.train, config.get<config::TokenizerConfig>().vocabulary);
    corpus.train = data::token_stream(corpus.tokenizer, texts.train);
    corpus.heldout = data::token_stream(corpus.tokenizer, texts.heldout);
    auto const policy = config.get<config::DataConfig>().too_long;
    std::int64_t dropped = 0;
    for (auto const& row : texts.sft) {
        auto example =
            data::fit(data::make_example(corpus.tokenizer, row.prompt, row.completion),
                      config.get<config::ModelConfig>().context, policy,
                      config.get<config::DataConfig>().sft.empty() ? config.get<config::DataConfig>().preferences
                                                                   : config.get<config::DataConfig>().sft);
        if (example) {
            corpus.sft.push_back(std::move(*example));
        } else {
            ++dropped;
        }
    }
    context.result.metrics["corpus/sft_dropped"] = static_cast<double>(dropped);
    return corpus;
}

}  // namespace

void run_corpus(stages::Context& context) {
    auto const& config = context.config;
    stages::CorpusData const corpus =
        sources::is_enumerable(config)
            ? sources::enumerable_corpus(context)
            : tokenised(context, config.get<config::DataConfig>().corpus.empty() ? simulated(context) : real(context));
    if (corpus.sft.empty()) {
        throw core::ConfigError(
            core::concat("no SFT example fits model.context = ", config.get<config::ModelConfig>().context));
    }
    if (corpus.train.size() < 2) { throw core::ConfigError("the corpus has fewer than two tokens"); }
    stages::save_corpus(context.folder(), corpus);
    context.result.metrics["corpus/tokens"] = static_cast<double>(corpus.train.size());
    context.result.metrics["corpus/vocabulary"] = static_cast<double>(corpus.tokenizer.vocabulary());
    context.result.metrics["corpus/sft_examples"] = static_cast<double>(corpus.sft.size());
}

}  // namespace alignsweep::kinds
