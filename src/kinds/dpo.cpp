// SPDX-License-Identifier: Apache-2.0
// dpo: alignment from a fixed set of pairs, from the SFT weights on.
#include "core/error.hpp"
#include "core/log.hpp"
#include "kinds/preference.hpp"
#include "losses/preference.hpp"
#include "sources/source.hpp"
#include "stages/descriptor.hpp"
#include "stages/reads.hpp"
#include "train/reference_sync.hpp"
#include "train/trainer.hpp"

#include <optional>

namespace alignsweep::kinds {

namespace {

using stages::Reads;

void check_dpo(config::Config const& config) {
    auto const rule = losses::pair_loss_rule(config.get<config::DpoConfig>());
    bool const soft = sources::source_kind(config) != sources::SourceKind::files &&
                      config.get<config::FeedbackConfig>().labels == config::PairLabels::probabilities;
    if (soft && rule.row->is(losses::hard_labels)) {
        throw core::ConfigError(core::concat("dpo.loss = ", config.get<config::DpoConfig>().loss,
                                             " takes no soft labels; it needs ",
                                             "feedback.labels = choices instead of probabilities"));
    }
}

void run_dpo(stages::Context& context) {
    auto const& config = context.section<config::DpoConfig>();
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
        int const chunk = context.chunk();
        sync.emplace(config, chunk, infer::load_model(context.input("sft")), weights, pairs);
    }
    train::train(context, weights, loss, {config.epochs, config.batch, all_steps}, config.optimizer, "policy",
                 sync ? sync->surroundings() : train::Surroundings{});
    context.add_cost("labels/policy", static_cast<double>(pairs.size()));
    infer::save_model(context.folder(), weights, {{"beta", config.beta}});
}

// D = (log pi - log pi_ref)(chosen) - the same of the rejected; c, r: the two log-ratios; l(x) = -log sigma(x).
stages::Entry catalogue_entry() {
    stages::Entry entry{
        "pairs", "l(beta D); D = c - r, c and r = log pi - log pi_ref of chosen and rejected, l(x) = -log sigma(x)",
        "Rafailov et al. 2305.18290, eq. 7", variants_of("dpo.loss", losses::pair_losses())};
    entry.variants.push_back({"dpo.sync_steps", "N", "every N steps pi_ref = sync_alpha pi + (1 - sync_alpha) pi_ref",
                              "Gorbatovski et al. 2404.09656"});
    return entry;
}

}  // namespace

stages::Descriptor describe_dpo() {
    using config::DpoConfig;
    stages::Descriptor kind{.name = "dpo", .version = 2, .purpose = stages::Purpose::method, .run = run_dpo};
    kind.reads = [](Reads& r) {
        r.section<DpoConfig>().model_limits().seeds(&config::SeedConfig::train);
        r.unread({"model.context"});
    };
    kind.inputs = preference_inputs();
    kind.sections = {config::Section::of<DpoConfig>("dpo")};
    kind.check = check_dpo;
    // Stored reference log-probabilities do until the reference moves.
    kind.models = [](config::Config const& config) {
        return config.get<DpoConfig>().sync_steps > 0 ? std::vector<std::string>{"policy", "reference"}
                                                      : std::vector<std::string>{"policy"};
    };
    kind.beta_key = "dpo.beta";
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        auto const epochs = static_cast<double>(spec.config.get<DpoConfig>().epochs);
        auto const pairs = static_cast<double>(spec.config.get<config::FeedbackConfig>().prompts);
        return stages::Work{2.0 * epochs * pairs * lengths.example, 0.0};
    };
    kind.entry = catalogue_entry();
    return kind;
}

}  // namespace alignsweep::kinds
