// SPDX-License-Identifier: Apache-2.0
// dpo, kto: alignment from a fixed set of feedback, from the SFT weights on.
#include "core/error.hpp"
#include "methods/dpo.hpp"
#include "methods/kto.hpp"
#include "stages/artifacts.hpp"
#include "stages/runs.hpp"
#include "stages/trainer.hpp"

#include <limits>

namespace alignsweep::stages {

namespace {
constexpr std::int64_t all_steps = std::numeric_limits<std::int64_t>::max();
}

void run_dpo(Context& context) {
    auto const& config = context.config.dpo;
    auto const pairs = make_pairs(load_feedback(context.input("feedback")), load_reference(context.input("reference")));
    if (pairs.empty()) { throw core::ConfigError("dpo: no pair of a training prompt to learn from"); }
    Weights weights = load_model(context.input("sft"));
    methods::Dpo method(pairs, methods::pair_loss_rule(config));
    train(context, weights, method, {config.epochs, config.batch, all_steps}, config.optimizer, "policy");
    context.add_cost("labels/policy", static_cast<double>(pairs.size()));
    save_model(context.folder(), weights);
}

void run_kto(Context& context) {
    auto const& config = context.config.kto;
    auto const thumbs =
        make_thumbs(load_feedback(context.input("feedback")), load_reference(context.input("reference")));
    Weights weights = load_model(context.input("sft"));
    methods::Kto method(thumbs, methods::thumb_loss_rule(config));
    train(context, weights, method, {config.epochs, config.batch, all_steps}, config.optimizer, "policy");
    context.add_cost("labels/policy", static_cast<double>(thumbs.size()));
    save_model(context.folder(), weights);
}

}  // namespace alignsweep::stages
