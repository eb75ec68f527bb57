// SPDX-License-Identifier: Apache-2.0
// sft: the pre-trained model on questions and answers.
#include "losses/cross_entropy.hpp"
#include "stages/artifacts.hpp"
#include "stages/descriptor.hpp"
#include "stages/reads.hpp"
#include "train/trainer.hpp"

#include <limits>

namespace alignsweep::kinds {

namespace {

using stages::Reads;

void run_sft(stages::Context& context) {
    auto const& config = context.section<config::SftConfig>();
    stages::CorpusData const corpus = stages::load_corpus(context.input("corpus"));
    infer::Weights weights = infer::load_model(context.input("pretrain"));
    bool const full = config.loss == config::SftLoss::full;
    losses::CrossEntropy loss(corpus.sft, full ? data::TargetKind::full : data::TargetKind::completion);
    train::train(context, weights, loss, {config.epochs, config.batch, std::numeric_limits<std::int64_t>::max()},
                 config.optimizer, "sft");
    infer::save_model(context.folder(), weights);
}

}  // namespace

stages::Descriptor describe_sft() {
    return {.name = "sft",
            .version = 1,
            .purpose = stages::Purpose::start,
            .run = run_sft,
            .reads =
                [](Reads& r) {
                    r.section<config::SftConfig>().model_limits().seeds(&config::SeedConfig::train);
                    r.unread({"model.context"});
                },
            .inputs =
                [](config::Config const&, stages::Descriptor const*) {
                    return std::vector<stages::Input>{{"corpus", "corpus"}, {"pretrain", "pretrain"}};
                },
            .work =
                [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
                    auto const examples = spec.config.get<config::SftConfig>().epochs *
                                          spec.config.get<config::CorpusConfig>().sft_examples;
                    return stages::Work{static_cast<double>(examples) * lengths.example, 0.0};
                },
            .slowness = 1.5,
            .entry = stages::Entry{"questions and answers",
                                   "-log pi(token), mean over the tokens of the step",
                                   "Ouyang et al. 2203.02155",
                                   {{"sft.loss", "completion", "tokens of the answer", "TRL's completion_only_loss"},
                                    {"sft.loss", "full", "tokens of question and answer", ""}}}};
}

}  // namespace alignsweep::kinds
