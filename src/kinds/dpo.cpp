// SPDX-License-Identifier: Apache-2.0
// dpo: alignment from a fixed set of pairs, from the SFT weights on.
#include "config/checks.hpp"
#include "core/log.hpp"
#include "kinds/preference.hpp"
#include "train/reference_sync.hpp"
#include "train/trainer.hpp"

#include <optional>

namespace alignsweep::kinds {

namespace {

void check_dpo(config::Config const& config) {
    auto const& dpo = config.get<DpoConfig>();
    auto const& row = *dpo.rule.row;
    losses::check_rule(dpo.rule);
    std::string const no_effect = core::concat(" has no effect here (dpo.loss = ", row.name, "); it needs ");
    config::require(dpo.sync_steps == 0 || !row.is(losses::no_reference), "dpo.sync_steps = ", dpo.sync_steps,
                    no_effect, "a loss with a reference (not ", losses::names_of(losses::no_reference), ")");
    config::require(dpo.sync_steps > 0 || dpo.sync_alpha == DpoConfig().sync_alpha, "dpo.sync_alpha = ", dpo.sync_alpha,
                    no_effect, "dpo.sync_steps above 0");
    bool const soft =
        !config::is_real(config) && config.get<sources::FeedbackConfig>().labels == sources::PairLabels::probabilities;
    config::require(!soft || !row.is(losses::hard_labels), "dpo.loss = ", row.name,
                    " takes no soft labels; it needs feedback.labels = choices instead of probabilities");
}

void run_dpo(stages::Context& context) {
    auto const& config = context.section<DpoConfig>();
    auto pairs = stages::make_pairs(stages::load_feedback(context.input("feedback")),
                                    stages::load_reference(context.input("reference")));
    config::require(!pairs.empty(), "dpo: no pair of a training prompt to learn from");
    infer::Weights weights = infer::load_model(context.input("sft"));
    losses::PairLoss loss(pairs, config.rule);
    std::optional<train::ReferenceSync> sync;
    if (config.sync_steps > 0) {
        std::int64_t const pair_count = static_cast<std::int64_t>(pairs.size());
        std::int64_t const steps = config.epochs * ((pair_count + config.batch - 1) / config.batch);
        if (steps <= config.sync_steps) {
            core::log_warning(core::concat("dpo.sync_steps = ", config.sync_steps, " acts in none of the ", steps,
                                           " steps of this run: the reference stays the SFT model"));
        }
        sync.emplace(config.sync_steps, config.sync_alpha, context.chunk(), infer::load_model(context.input("sft")),
                     weights, pairs);
    }
    train::train(context, weights, loss, {config.epochs, config.batch}, config.optimizer, "policy",
                 sync ? sync->surroundings() : train::Surroundings{});
    context.add_cost("labels/policy", static_cast<double>(pairs.size()));
    infer::save_model(context.folder(), weights, {{"beta", config.rule.beta}});
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
    auto kind = preference<DpoConfig>("dpo", run_dpo);
    kind.check = check_dpo;
    // The stored log-probabilities suffice unless the reference moves.
    kind.models = [](config::Config const& config) {
        return config.get<DpoConfig>().sync_steps > 0 ? std::vector<std::string>{"policy", "reference"}
                                                      : std::vector<std::string>{"policy"};
    };
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        return stages::Work{trained_tokens(spec, spec.config.get<DpoConfig>().epochs, lengths), 0.0};
    };
    kind.entry = catalogue_entry();
    return kind;
}

}  // namespace alignsweep::kinds
