// SPDX-License-Identifier: Apache-2.0
// pretrain: a fresh model on windows of the corpus.
#include "kinds/pretrain.hpp"
#include "config/checks.hpp"
#include "losses/loss.hpp"
#include "stages/artifacts.hpp"
#include "stages/descriptor.hpp"
#include "train/trainer.hpp"

namespace alignsweep::kinds {

namespace {

void run_pretrain(stages::Context& context) {
    auto const& config = context.section<PretrainConfig>();
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
    stages::Descriptor kind{.name = "pretrain", .version = 3, .purpose = stages::Purpose::start, .run = run_pretrain};
    kind.reads = [](stages::Reads& r) {
        r.section<config::ModelConfig>().section<PretrainConfig>();
        r.seeds(&config::SeedConfig::model, &config::SeedConfig::train);
    };
    kind.inputs = stages::always({{"corpus", "corpus"}});
    kind.row = "base";
    kind.sections = {config::Section::of<PretrainConfig>("pretrain")};
    kind.validate = [](config::Config const& config) {
        auto const length = config.get<PretrainConfig>().length, context = config.get<config::ModelConfig>().context;
        config::require(length <= context, "pretrain.length = ", length, " is above model.context = ", context);
    };
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const&) {
        auto const& pretrain = spec.config.get<PretrainConfig>();
        return stages::Work{static_cast<double>(pretrain.steps * pretrain.batch * pretrain.length), 0.0};
    };
    kind.slowness = 2.1;
    return kind;
}

}  // namespace alignsweep::kinds
