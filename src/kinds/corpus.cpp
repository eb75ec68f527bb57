// SPDX-License-Identifier: Apache-2.0
// corpus: the text for pre-training, the tokenizer trained on it, and SFT's questions and answers.
#include "core/error.hpp"
#include "data/jsonl.hpp"
#include "data/text.hpp"
#include "sources/enumerable.hpp"
#include "sources/heldout.hpp"
#include "sources/skipped_rows.hpp"
#include "stages/descriptor.hpp"
#include "stages/reads.hpp"
#include "world/world.hpp"

#include <cmath>

namespace alignsweep::kinds {

namespace {

using config::DataConfig;
using stages::Reads;

struct Texts {
    std::vector<std::string> train, heldout;
    std::vector<data::Completion> sft;
    std::string sft_file{};  // where they come from; empty: the simulated world
};

Texts simulated(stages::Context const& context) {
    auto const& corpus = context.section<config::CorpusConfig>();
    world::World const world(context.section<config::WorldConfig>(), context.seed(&config::SeedConfig::world));
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
void read_sft(stages::Context& context, Texts& texts) {
    auto const bad_rows = context.get(&DataConfig::bad_rows);
    bool const own = !context.get(&DataConfig::sft).empty();
    texts.sft_file = own ? context.get(&DataConfig::sft) : context.get(&DataConfig::preferences);
    if (own) {
        auto read = data::read_completions(texts.sft_file, bad_rows);
        sources::count_skipped_rows(context, texts.sft_file, read.counts);
        texts.sft = std::move(read.rows);
    } else {
        auto const read = data::read_preferences(texts.sft_file, bad_rows);
        sources::count_skipped_rows(context, texts.sft_file, read.counts);
        for (auto const& row : read.rows) { texts.sft.push_back({row.prompt, row.chosen}); }
    }
    double const share = context.get(&DataConfig::heldout_share);
    std::erase_if(texts.sft, [&](auto const& row) { return sources::is_heldout(row.prompt, share); });
}

// Documents of a text; one without blank lines is cut in two between words, so that a share of it can be held out.
std::vector<std::string> documents_of(std::string const& file, double heldout_share) {
    auto documents = data::split_documents(data::read_text(file));
    if (documents.size() > 1 || heldout_share == 0.0) { return documents; }
    std::string& text = documents.at(0);
    auto const share = static_cast<std::size_t>((1.0 - heldout_share) * static_cast<double>(text.size()));
    std::size_t const cut = text.find_last_of(" \n", share);
    if (cut != std::string::npos) {
        documents.push_back(text.substr(cut + 1));
        documents[0].resize(cut);
    }
    return documents;
}

Texts real(stages::Context& context) {
    double const heldout_share = context.get(&DataConfig::heldout_share);
    Texts texts;
    auto const documents = documents_of(context.get(&DataConfig::corpus), heldout_share);
    // The end of the text is held out: neighbouring documents are alike, so a random share would leak.
    auto const kept =
        static_cast<std::size_t>(std::ceil(static_cast<double>(documents.size()) * (1.0 - heldout_share)));
    texts.train.assign(documents.begin(), documents.begin() + static_cast<std::ptrdiff_t>(kept));
    texts.heldout.assign(documents.begin() + static_cast<std::ptrdiff_t>(kept), documents.end());
    read_sft(context, texts);
    return texts;
}

stages::CorpusData tokenised(stages::Context& context, Texts const& texts) {
    stages::CorpusData corpus;
    corpus.tokenizer = data::Tokenizer::train(texts.train, context.section<config::TokenizerConfig>().vocabulary);
    corpus.train = data::token_stream(corpus.tokenizer, texts.train);
    corpus.heldout = data::token_stream(corpus.tokenizer, texts.heldout);
    auto const policy = context.get(&DataConfig::too_long);
    auto const room = context.get(&config::ModelConfig::context);
    std::int64_t dropped = 0;
    for (auto const& row : texts.sft) {
        auto example =
            data::fit(data::make_example(corpus.tokenizer, row.prompt, row.completion), room, policy, texts.sft_file);
        if (example) {
            corpus.sft.push_back(std::move(*example));
        } else {
            ++dropped;
        }
    }
    context.result.metrics["corpus/sft_dropped"] = static_cast<double>(dropped);
    return corpus;
}

void run_corpus(stages::Context& context) {
    stages::CorpusData const corpus = !context.get(&DataConfig::corpus).empty() ? tokenised(context, real(context))
                                      : sources::is_enumerable(context)         ? sources::enumerable_corpus(context)
                                                                        : tokenised(context, simulated(context));
    if (corpus.sft.empty()) {
        throw core::ConfigError(
            core::concat("no SFT example fits model.context = ", context.get(&config::ModelConfig::context)));
    }
    if (corpus.train.size() < 2) { throw core::ConfigError("the corpus has fewer than two tokens"); }
    stages::save_corpus(context.folder(), corpus);
    context.result.metrics["corpus/tokens"] = static_cast<double>(corpus.train.size());
    context.result.metrics["corpus/vocabulary"] = static_cast<double>(corpus.tokenizer.vocabulary());
    context.result.metrics["corpus/sft_examples"] = static_cast<double>(corpus.sft.size());
}

}  // namespace

stages::Descriptor describe_corpus() {
    return {.name = "corpus",
            .version = 1,
            .run = run_corpus,
            .reads =
                [](Reads& r) {
                    // Real text stands for the world's where it is given; what only the other one needs is not read.
                    auto const& data = r.get<DataConfig>();
                    r.section<config::TokenizerConfig>().keys(&config::ModelConfig::context);
                    r.keys(&DataConfig::corpus, &DataConfig::too_long);
                    if (data.corpus.empty()) {
                        r.world().section<config::CorpusConfig>().seeds(&config::SeedConfig::data);
                        if (r.get<config::WorldConfig>().kind == config::WorldKind::enumerable) {
                            r.unread({"tokenizer.*", "model.context", "data.too_long"});
                        }
                        return;
                    }
                    r.keys(&DataConfig::sft, &DataConfig::heldout_share);
                    if (data.sft.empty()) { r.keys(&DataConfig::preferences); }
                    r.bad_rows();
                },
            .inputs = [](config::Config const&, stages::Descriptor const*) { return std::vector<stages::Input>(); }};
}

}  // namespace alignsweep::kinds
