// SPDX-License-Identifier: Apache-2.0
// dpo: alignment from a fixed set of pairs, from the SFT weights on.
#include "core/error.hpp"
#include "core/log.hpp"
#include "kinds/preference.hpp"
#include "losses/pair_loss.hpp"
#include "stages/artifacts.hpp"
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
    bool const soft = config.get<config::DataConfig>().preferences.empty() &&
                      config.get<config::FeedbackConfig>().labels == config::PairLabels::probabilities;
    if (soft && !losses::takes_soft_labels(rule.kind)) {
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

}  // namespace

namespace describe {

// D = (log pi - log pi_ref)(chosen) - the same of the rejected; c, r: the two log-ratios; l(x) = -log sigma(x).
stages::Descriptor dpo() {
    using config::DpoConfig;
    return {
        .name = "dpo",
        .version = 2,
        .purpose = stages::Purpose::method,
        .run = run_dpo,
        .reads =
            [](Reads& r) {
                r.section<DpoConfig>().model_limits().seeds(&config::SeedConfig::train);
                r.unread({"model.context"});
            },
        .inputs = preference_inputs,
        .check = check_dpo,
        // Stored reference log-probabilities do until the reference moves.
        .models =
            [](config::Config const& config) {
                return config.get<DpoConfig>().sync_steps > 0 ? std::vector<std::string>{"policy", "reference"}
                                                              : std::vector<std::string>{"policy"};
            },
        .beta_key = "dpo.beta",
        .work =
            [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
                auto const epochs = static_cast<double>(spec.config.get<DpoConfig>().epochs);
                auto const pairs = static_cast<double>(spec.config.get<config::FeedbackConfig>().prompts);
                return stages::Work{2.0 * epochs * pairs * lengths.example, 0.0};
            },
        .entry =
            stages::Entry{
                "pairs",
                "l(beta D); D = c - r, c and r = log pi - log pi_ref of chosen and rejected, l(x) = -log sigma(x)",
                "Rafailov et al. 2305.18290, eq. 7",
                {{"dpo.loss", "sigmoid", "l(beta D)", "Rafailov et al. 2305.18290, eq. 7"},
                 {"dpo.loss", "cdpo", "(1 - e) l(beta D) + e l(-beta D), e = label_smoothing",
                  "Mitchell, note on DPO, 2023"},
                 {"dpo.loss", "rdpo", "[(1 - e) l(beta D) - e l(-beta D)] / (1 - 2 e)",
                  "Ray Chowdhury et al. 2403.00409"},
                 {"dpo.loss", "hinge", "max(0, 1 - beta D)", "Zhao et al. 2305.10425 (SLiC-HF)"},
                 {"dpo.loss", "ipo", "(d - 1 / (2 beta))^2, d = D of the log-ratios' means over tokens",
                  "Azar et al. 2310.12036, eq. 17; means as in TRL"},
                 {"dpo.loss", "simpo", "l(beta (log pi(chosen) / tokens - log pi(rejected) / tokens - gamma_ratio))",
                  "Meng et al. 2405.14734, eq. 6; no reference"},
                 {"dpo.loss", "orpo", "-log pi(chosen) / tokens + beta l(log odds(chosen) - log odds(rejected))",
                  "Hong et al. 2403.07691, eq. 6 and 7; no reference"},
                 {"dpo.loss", "apo_zero", "1 - sigma(beta c) + sigma(beta r)", "D'Oosterlinck et al. 2408.06266"},
                 {"dpo.loss", "apo_down", "sigma(beta c) + 1 - sigma(beta D)", "D'Oosterlinck et al. 2408.06266"},
                 {"dpo.loss", "sigmoid_norm", "l(beta (c / tokens - r / tokens))", "Lambert et al. 2411.15124, eq. 6"},
                 {"dpo.loss", "exo_pair", "KL((sigma(beta D), sigma(-beta D)) || (1 - e, e)), e = label_smoothing",
                  "Ji et al. 2402.00856, eq. 16"},
                 {"dpo.loss", "nca_pair", "l(beta c) + [l(-beta c) + l(-beta r)] / 2", "Chen et al. 2402.05369"},
                 {"dpo.loss", "bco_pair", "l(beta c) + l(-beta r)",
                  "Jung et al. 2404.04656; no reward shift, as in TRL"},
                 {"dpo.loss", "sppo_hard", "(c - 1 / (2 beta))^2 + (r + 1 / (2 beta))^2",
                  "Wu et al. 2405.00675, eq. 4.7"},
                 {"dpo.loss", "discopop", "(1 - w) l(beta D) + w exp(-beta D), w = sigma(beta D / discopop_tau)",
                  "Lu et al. 2406.08414, eq. 5"},
                 {"dpo.loss", "aot", "cdpo's, each policy margin against the reference margin of its rank in the step",
                  "Melnyk et al. 2406.05882"},
                 {"dpo.loss", "aot_unpaired", "cdpo's, each c against the r of its rank in the step",
                  "Melnyk et al. 2406.05882"},
                 {"dpo.sync_steps", "N", "every N steps pi_ref = sync_alpha pi + (1 - sync_alpha) pi_ref",
                  "Gorbatovski et al. 2404.09656"}}}};
}

}  // namespace describe

}  // namespace alignsweep::kinds
