// SPDX-License-Identifier: Apache-2.0
// pretrain: a fresh model on windows of the corpus. sft: that model on questions and answers.
#include "kinds/runs.hpp"
#include "losses/cross_entropy.hpp"
#include "stages/artifacts.hpp"
#include "train/trainer.hpp"

#include <limits>

namespace alignsweep::kinds {

void run_pretrain(stages::Context& context) {
    auto const& config = context.config;
    stages::CorpusData const corpus = stages::load_corpus(context.input("corpus"));
    auto const examples = stages::text_examples(corpus.train, config.get<config::PretrainConfig>().length);
    infer::Weights weights(
        model::make_shape(config.get<config::ModelConfig>(), static_cast<int>(corpus.tokenizer.vocabulary()), false));
    model::initialise(weights, context.seed(&config::SeedConfig::model), config.get<config::ModelConfig>().init_std,
                      config.get<config::ModelConfig>().embedding_init_std);
    losses::CrossEntropy loss(examples, data::TargetKind::full);
    auto const count = static_cast<std::int64_t>(examples.size());
    std::int64_t const epochs =
        config.get<config::PretrainConfig>().steps * config.get<config::PretrainConfig>().batch / count + 2;
    train::train(context, weights, loss,
                 {epochs, config.get<config::PretrainConfig>().batch, config.get<config::PretrainConfig>().steps},
                 config.get<config::PretrainConfig>().optimizer, "pretrain");
    infer::save_model(context.folder(), weights);
}

void run_sft(stages::Context& context) {
    auto const& config = context.config;
    stages::CorpusData const corpus = stages::load_corpus(context.input("corpus"));
    infer::Weights weights = infer::load_model(context.input("pretrain"));
    auto const targets = config.get<config::SftConfig>().loss == config::SftLoss::full ? data::TargetKind::full
                                                                                       : data::TargetKind::completion;
    losses::CrossEntropy loss(corpus.sft, targets);
    train::train(context, weights, loss,
                 {config.get<config::SftConfig>().epochs, config.get<config::SftConfig>().batch,
                  std::numeric_limits<std::int64_t>::max()},
                 config.get<config::SftConfig>().optimizer, "sft");
    infer::save_model(context.folder(), weights);
}

}  // namespace alignsweep::kinds
