// SPDX-License-Identifier: Apache-2.0
// pretrain: a fresh model on windows of the corpus. sft: that model on questions and answers.
#include "losses/cross_entropy.hpp"
#include "stages/artifacts.hpp"
#include "stages/runs.hpp"
#include "stages/trainer.hpp"

#include <limits>

namespace alignsweep::stages {

void run_pretrain(Context& context) {
    auto const& config = context.config;
    CorpusData const corpus = load_corpus(context.input("corpus"));
    auto const examples = text_examples(corpus.train, config.get<config::PretrainConfig>().length);
    Weights weights(
        model::make_shape(config.get<config::ModelConfig>(), static_cast<int>(corpus.tokenizer.vocabulary()), false));
    model::initialise(weights, context.seed(&config::SeedConfig::model), config.get<config::ModelConfig>().init_std,
                      config.get<config::ModelConfig>().embedding_init_std);
    losses::CrossEntropy loss(examples, data::TargetKind::full);
    auto const count = static_cast<std::int64_t>(examples.size());
    std::int64_t const epochs =
        config.get<config::PretrainConfig>().steps * config.get<config::PretrainConfig>().batch / count + 2;
    train(context, weights, loss,
          {epochs, config.get<config::PretrainConfig>().batch, config.get<config::PretrainConfig>().steps},
          config.get<config::PretrainConfig>().optimizer, "pretrain");
    save_model(context.folder(), weights);
}

void run_sft(Context& context) {
    auto const& config = context.config;
    CorpusData const corpus = load_corpus(context.input("corpus"));
    Weights weights = load_model(context.input("pretrain"));
    auto const targets = config.get<config::SftConfig>().loss == config::SftLoss::full ? data::TargetKind::full
                                                                                       : data::TargetKind::completion;
    losses::CrossEntropy loss(corpus.sft, targets);
    train(context, weights, loss,
          {config.get<config::SftConfig>().epochs, config.get<config::SftConfig>().batch,
           std::numeric_limits<std::int64_t>::max()},
          config.get<config::SftConfig>().optimizer, "sft");
    save_model(context.folder(), weights);
}

}  // namespace alignsweep::stages
