// SPDX-License-Identifier: Apache-2.0
// dpo, kto: alignment from a fixed set of feedback, from the SFT weights on.
#include "core/error.hpp"
#include "core/log.hpp"
#include "kinds/runs.hpp"
#include "losses/pair_loss.hpp"
#include "losses/thumb_loss.hpp"
#include "stages/artifacts.hpp"
#include "train/reference_sync.hpp"
#include "train/trainer.hpp"

#include <limits>
#include <optional>

namespace alignsweep::kinds {

namespace {
constexpr std::int64_t all_steps = std::numeric_limits<std::int64_t>::max();
}

void check_dpo(config::Config const& config) {
    auto const rule = losses::pair_loss_rule(config.get<config::DpoConfig>());
    bool const soft = config.get<config::DataConfig>().preferences.empty() &&
                      config.get<config::FeedbackConfig>().labels == config::PairLabels::probabilities;
    if (soft && rule.row->is(losses::hard_labels)) {
        throw core::ConfigError(core::concat("dpo.loss = ", config.get<config::DpoConfig>().loss,
                                             " takes no soft labels; it needs ",
                                             "feedback.labels = choices instead of probabilities"));
    }
}

void run_dpo(stages::Context& context) {
    auto const& config = context.config.get<config::DpoConfig>();
    auto pairs = stages::make_pairs(stages::load_feedback(context.input("feedback")),
                                    stages::load_reference(context.input("reference")));
    if (pairs.empty()) { throw core::ConfigError("dpo: no pair of a training prompt to learn from"); }
    infer::Weights weights = infer::load_model(context.input("sft"));
    losses::PairLoss loss(pairs, losses::pair_loss_rule(config));
    std::optional<train::ReferenceSync> sync;
    if (config.sync_steps > 0) {
        std::int64_t const pair_count = static_cast<std::int64_t>(pairs.size());
        std::int64_t const steps = config.epochs * ((pair_count + config.batch - 1) / config.batch);
        if (steps <= config.sync_steps) {
            core::log_warning(core::concat("dpo.sync_steps = ", config.sync_steps, " acts in none of the ", steps,
                                           " steps of this run: the reference stays the SFT model"));
        }
        int const chunk = static_cast<int>(context.config.get<config::ModelConfig>().chunk);
        sync.emplace(config, chunk, infer::load_model(context.input("sft")), weights, pairs);
    }
    train::train(context, weights, loss, {config.epochs, config.batch, all_steps}, config.optimizer, "policy",
                 sync ? sync->surroundings() : train::Surroundings{});
    context.add_cost("labels/policy", static_cast<double>(pairs.size()));
    infer::save_model(context.folder(), weights, {{"beta", config.beta}});
}

void run_kto(stages::Context& context) {
    auto const& config = context.config.get<config::KtoConfig>();
    auto const rule = losses::thumb_loss_rule(config);
    auto const thumbs = stages::make_thumbs(stages::load_feedback(context.input("feedback")),
                                            stages::load_reference(context.input("reference")), rule.row->has_z0);
    infer::Weights weights = infer::load_model(context.input("sft"));
    losses::ThumbLoss loss(thumbs, rule);
    train::train(context, weights, loss, {config.epochs, config.batch, all_steps}, config.optimizer, "policy");
    context.add_cost("labels/policy", static_cast<double>(thumbs.size()));
    infer::save_model(context.folder(), weights, {{"beta", config.beta}});
}

}  // namespace alignsweep::kinds
