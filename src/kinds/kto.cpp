// SPDX-License-Identifier: Apache-2.0
// kto: alignment from a fixed set of thumbs, from the SFT weights on.
#include "kinds/preference.hpp"
#include "losses/preference.hpp"
#include "stages/artifacts.hpp"
#include "stages/descriptor.hpp"
#include "stages/reads.hpp"
#include "train/trainer.hpp"

namespace alignsweep::kinds {

namespace {

using stages::Reads;

void run_kto(stages::Context& context) {
    auto const& config = context.section<config::KtoConfig>();
    auto const rule = losses::thumb_loss_rule(config);
    auto const thumbs = stages::make_thumbs(stages::load_feedback(context.input("feedback")),
                                            stages::load_reference(context.input("reference")), rule.row->has_z0);
    infer::Weights weights = infer::load_model(context.input("sft"));
    losses::ThumbLoss loss(thumbs, rule);
    train::train(context, weights, loss, {config.epochs, config.batch, all_steps}, config.optimizer, "policy");
    context.add_cost("labels/policy", static_cast<double>(thumbs.size()));
    infer::save_model(context.folder(), weights, {{"beta", config.beta}});
}

}  // namespace

stages::Descriptor describe_kto() {
    using config::KtoConfig;
    stages::Descriptor kind{.name = "kto", .version = 2, .purpose = stages::Purpose::method, .run = run_kto};
    kind.reads = [](Reads& r) {
        r.section<KtoConfig>().model_limits().seeds(&config::SeedConfig::train);
        r.unread({"model.context"});
    };
    kind.inputs = preference_inputs();
    kind.sections = {config::Section::of<KtoConfig>("kto")};
    kind.beta_key = "kto.beta";
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        auto const epochs = static_cast<double>(spec.config.get<KtoConfig>().epochs);
        auto const pairs = static_cast<double>(spec.config.get<config::FeedbackConfig>().prompts);
        double const tokens = 2.0 * epochs * pairs * lengths.example;
        return stages::Work{tokens, tokens};
    };
    kind.entry = {"thumbs",
                  "lambda_D [1 - sigma(beta (r - z0))] or lambda_U [1 - sigma(beta (z0 - r))], r = log pi - log pi_ref",
                  "Ethayarajh et al. 2402.01306, eq. 8", variants_of("kto.loss", losses::thumb_losses())};
    return kind;
}

}  // namespace alignsweep::kinds
