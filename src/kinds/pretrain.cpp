// SPDX-License-Identifier: Apache-2.0
// pretrain: a fresh model on windows of the corpus.
#include "losses/cross_entropy.hpp"
#include "stages/artifacts.hpp"
#include "stages/descriptor.hpp"
#include "stages/reads.hpp"
#include "train/trainer.hpp"

namespace alignsweep::kinds {

namespace {

using stages::Reads;

void run_pretrain(stages::Context& context) {
    auto const& config = context.section<config::PretrainConfig>();
    auto const& model = context.section<config::ModelConfig>();
    stages::CorpusData const corpus = stages::load_corpus(context.input("corpus"));
    auto const examples = stages::text_examples(corpus.train, config.length);
    infer::Weights weights(model::make_shape(model, static_cast<int>(corpus.tokenizer.vocabulary()), false));
    model::initialise(weights, context.seed(&config::SeedConfig::model), model.init_std, model.embedding_init_std);
    losses::CrossEntropy loss(examples, data::TargetKind::full);
    auto const count = static_cast<std::int64_t>(examples.size());
    std::int64_t const epochs = config.steps * config.batch / count + 2;
    train::train(context, weights, loss, {epochs, config.batch, config.steps}, config.optimizer, "pretrain");
    infer::save_model(context.folder(), weights);
}

}  // namespace

stages::Descriptor describe_pretrain() {
    return {.name = "pretrain",
            .version = 2,
            .purpose = stages::Purpose::start,
            .run = run_pretrain,
            .reads =
                [](Reads& r) {
                    r.section<config::ModelConfig>().section<config::PretrainConfig>();
                    r.seeds(&config::SeedConfig::model, &config::SeedConfig::train);
                },
            .inputs =
                [](config::Config const&, stages::Descriptor const*) {
                    return std::vector<stages::Input>{{"corpus", "corpus"}};
                },
            .row = "base",
            .work =
                [](stages::StageSpec const& spec, stages::Lengths const&) {
                    auto const& pretrain = spec.config.get<config::PretrainConfig>();
                    return stages::Work{static_cast<double>(pretrain.steps * pretrain.batch * pretrain.length), 0.0};
                },
            .slowness = 2.1};
}

}  // namespace alignsweep::kinds
