// SPDX-License-Identifier: Apache-2.0
// kto: alignment from a fixed set of thumbs, from the SFT weights on.
#include "kinds/preference.hpp"
#include "train/trainer.hpp"

namespace alignsweep::kinds {

namespace {

void run_kto(stages::Context& context) {
    auto const& config = context.section<KtoConfig>();
    auto const thumbs =
        stages::make_thumbs(stages::load_feedback(context.input("feedback")),
                            stages::load_reference(context.input("reference")), config.rule.row->has_z0);
    infer::Weights weights = infer::load_model(context.input("sft"));
    losses::ThumbLoss loss(thumbs, config.rule);
    train::train(context, weights, loss, {config.epochs, config.batch}, config.optimizer, "policy");
    context.add_cost("labels/policy", static_cast<double>(thumbs.size()));
    infer::save_model(context.folder(), weights, {{"beta", config.rule.beta}});
}

}  // namespace

stages::Descriptor describe_kto() {
    auto kind = preference<KtoConfig>("kto", run_kto);
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        double const tokens = trained_tokens(spec, spec.config.get<KtoConfig>().epochs, lengths);
        return stages::Work{tokens, tokens};
    };
    kind.entry = {"thumbs",
                  "lambda_D [1 - sigma(beta (r - z0))] or lambda_U [1 - sigma(beta (z0 - r))], r = log pi - log pi_ref",
                  "Ethayarajh et al. 2402.01306, eq. 8", variants_of("kto.loss", losses::thumb_losses())};
    return kind;
}

}  // namespace alignsweep::kinds
