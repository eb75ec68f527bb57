// SPDX-License-Identifier: Apache-2.0
// sft: the pre-trained model on questions and answers.
#include "losses/loss.hpp"
#include "stages/artifacts.hpp"
#include "stages/descriptor.hpp"
#include "train/trainer.hpp"

namespace alignsweep::kinds {

namespace {

enum class SftLoss { completion, full };

// [sft]
struct SftConfig {
    config::Int epochs = 6, batch = 32;
    SftLoss loss = SftLoss::completion;
    config::OptimizerConfig optimizer{.learning_rate = 5e-4};

    void fields(config::FieldVisitor& visit) {
        visit("epochs", epochs, {0, 1e6}, "passes over the pairs");
        visit("batch", batch, {1, 1e6}, "examples of a step");
        visit("loss", loss, config::Choices{"completion", "full"}, "tokens that count: the completion's, or all");
        optimizer.fields(visit);
    }
};

void run_sft(stages::Context& context) {
    auto const& config = context.section<SftConfig>();
    stages::CorpusData const corpus = stages::load_corpus(context.input("corpus"));
    infer::Weights weights = infer::load_model(context.input("pretrain"));
    bool const full = config.loss == SftLoss::full;
    losses::CrossEntropy loss(corpus.sft, full ? data::TargetKind::full : data::TargetKind::completion);
    train::train(context, weights, loss, {config.epochs, config.batch}, config.optimizer, "sft");
    infer::save_model(context.folder(), weights);
}

}  // namespace

stages::Descriptor describe_sft() {
    stages::Descriptor kind{.name = "sft", .version = 2, .purpose = stages::Purpose::start, .run = run_sft};
    kind.reads = [](stages::Reads& r) {
        r.section<SftConfig>().model_limits().seeds(&config::SeedConfig::train);
        r.unread({"model.context"});
    };
    kind.inputs = stages::always({{"corpus", "corpus"}, {"pretrain", "pretrain"}});
    kind.sections = {config::Section::of<SftConfig>("sft")};
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        auto const examples =
            spec.config.get<SftConfig>().epochs * spec.config.get<config::CorpusConfig>().sft_examples;
        return stages::Work{static_cast<double>(examples) * lengths.example, 0.0};
    };
    kind.slowness = 1.5;
    kind.entry = {"questions and answers",
                  "-log pi(token), mean over the tokens of the step",
                  "Ouyang et al. 2203.02155",
                  {{"sft.loss", "completion", "tokens of the answer", "TRL's completion_only_loss"},
                   {"sft.loss", "full", "tokens of question and answer", ""}}};
    return kind;
}

}  // namespace alignsweep::kinds
