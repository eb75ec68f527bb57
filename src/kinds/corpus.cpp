// SPDX-License-Identifier: Apache-2.0
// corpus: the text for pre-training, the tokenizer trained on it, and SFT's questions and answers.
#include "config/checks.hpp"
#include "sources/source.hpp"
#include "stages/descriptor.hpp"

namespace alignsweep::kinds {

namespace {

using config::DataConfig;

void run_corpus(stages::Context& context) {
    stages::CorpusData const corpus = sources::open_source(context)->corpus();
    if (corpus.sft.empty()) {
        throw core::ConfigError("no SFT example fits model.context = ", context.get(&config::ModelConfig::context));
    }
    config::require(corpus.train.size() >= 2, "the corpus has fewer than two tokens");
    stages::save_corpus(context.folder(), corpus);
    context.result.metrics["corpus/tokens"] = static_cast<double>(corpus.train.size());
    context.result.metrics["corpus/vocabulary"] = static_cast<double>(corpus.tokenizer.vocabulary());
    context.result.metrics["corpus/sft_examples"] = static_cast<double>(corpus.sft.size());
}

}  // namespace

stages::Descriptor describe_corpus() {
    stages::Descriptor kind{.name = "corpus", .version = 2, .run = run_corpus};
    kind.reads = [](stages::Reads& r) {
        // Real text stands for the world's where it is given; what only the other one needs is not read.
        auto const& data = r.get<DataConfig>();
        r.section<config::TokenizerConfig>().keys(&config::ModelConfig::context);
        r.keys(&DataConfig::corpus, &DataConfig::too_long);
        if (data.corpus.empty()) {
            r.world().section<config::CorpusConfig>().seeds(&config::SeedConfig::data);
            if (sources::source_kind(r.config()) == sources::SourceKind::enumerable_world) {
                r.unread({"tokenizer.*", "model.context", "data.too_long"});
            }
            return;
        }
        r.keys(&DataConfig::sft, &DataConfig::heldout_share);
        if (data.sft.empty()) { r.keys(&DataConfig::preferences); }
        r.bad_rows();
    };
    kind.inputs = stages::always({});
    return kind;
}

}  // namespace alignsweep::kinds
