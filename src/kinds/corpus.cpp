// SPDX-License-Identifier: Apache-2.0
// corpus: the text for pre-training, the tokenizer trained on it, and SFT's questions and answers.
#include "core/error.hpp"
#include "kinds/runs.hpp"
#include "sources/source.hpp"

namespace alignsweep::kinds {

void run_corpus(stages::Context& context) {
    stages::CorpusData const corpus = sources::open_source(context)->corpus();
    if (corpus.sft.empty()) {
        throw core::ConfigError(
            core::concat("no SFT example fits model.context = ", context.config.get<config::ModelConfig>().context));
    }
    if (corpus.train.size() < 2) { throw core::ConfigError("the corpus has fewer than two tokens"); }
    stages::save_corpus(context.folder(), corpus);
    context.result.metrics["corpus/tokens"] = static_cast<double>(corpus.train.size());
    context.result.metrics["corpus/vocabulary"] = static_cast<double>(corpus.tokenizer.vocabulary());
    context.result.metrics["corpus/sft_examples"] = static_cast<double>(corpus.sft.size());
}

}  // namespace alignsweep::kinds
