// SPDX-License-Identifier: Apache-2.0
#include "cli/catalogue.hpp"

#include "losses/pair_losses.hpp"
#include "losses/thumb_losses.hpp"

namespace alignsweep::cli {

namespace {

// A variant for each row of a table of losses.
template <class Rows>
std::vector<Variant> variants_of(char const* key, Rows const& rows) {
    std::vector<Variant> variants;
    for (auto const& row : rows) { variants.push_back({key, row.name, row.equation, row.source}); }
    return variants;
}

MethodEntry dpo() {
    MethodEntry entry{
        "dpo",
        "dpo",
        "pairs",
        "l(beta D); D = c - r, c and r = log pi - log pi_ref of chosen and rejected, l(x) = -log sigma(x)",
        "Rafailov et al. 2305.18290, eq. 7",
        variants_of("dpo.loss", losses::pair_losses())};
    entry.variants.push_back({"dpo.sync_steps", "N", "every N steps pi_ref = sync_alpha pi + (1 - sync_alpha) pi_ref",
                              "Gorbatovski et al. 2404.09656"});
    return entry;
}

MethodEntry kto() {
    return {"kto",
            "kto",
            "thumbs",
            "lambda_D [1 - sigma(beta (r - z0))] or lambda_U [1 - sigma(beta (z0 - r))], r = log pi - log pi_ref",
            "Ethayarajh et al. 2402.01306, eq. 8",
            variants_of("kto.loss", losses::thumb_losses())};
}

MethodEntry rlhf() {
    return {"rlhf",
            "rlhf",
            "pairs, through a reward model",
            "max(-A rho, -A clip(rho, 1 - eps, 1 + eps)), A by GAE from score - kl_coef KL a token",
            "Schulman et al. 1707.06347, eq. 7; Ziegler et al. 1909.08593",
            {{"rlhf.reward", "proxy", "the reward model scores the episodes", "Ziegler et al. 1909.08593"},
             {"rlhf.reward", "gold", "the exact gold reward does: an oracle", "Gao et al. 2210.10760"},
             {"rlhf.kl_estimator", "k1", "log pi - log pi_ref", "Schulman, Approximating KL divergence, 2020"},
             {"rlhf.kl_estimator", "k3", "exp(-k1) - 1 + k1", "Schulman, Approximating KL divergence, 2020"},
             {"rlhf.kl_control", "fixed", "kl_coef as it is", "Ziegler et al. 1909.08593"},
             {"rlhf.kl_control", "adaptive", "kl_coef *= 1 + clip(KL / kl_target - 1, +-.2) episodes / kl_horizon",
              "Ziegler et al. 1909.08593, section 2.2"},
             {"rlhf.kl_control", "annealed", "kl_coef falls from kl_start by equal factors in the first updates", ""},
             {"rlhf.value_model", "own", "starts from the reward model", "Stiennon et al. 2009.01325"},
             {"rlhf.value_model", "shared", "a head on the policy's trunk", "Ziegler et al. 1909.08593"},
             {"rlhf.value_warmup", "N", "rounds of the value model alone", "Yuan et al. 2503.01491"},
             {"rlhf.missing_end", "replace", "missing_end_score is the score", "Ziegler et al. 1909.08593"},
             {"rlhf.missing_end", "subtract", "missing_end_penalty is taken from it", "TRL's missing_eos_penalty"},
             {"rlhf.ptx_coef", "c", "+ c times the pre-training loss", "Ouyang et al. 2203.02155, eq. 2"}}};
}

std::vector<MethodEntry> make_catalogue() {
    return {
        {"sft",
         "sft",
         "questions and answers",
         "-log pi(token), mean over the tokens of the step",
         "Ouyang et al. 2203.02155",
         {{"sft.loss", "completion", "tokens of the answer", "TRL's completion_only_loss"},
          {"sft.loss", "full", "tokens of question and answer", ""}}},
        {"feedback",
         "feedback",
         "who labels",
         "P(first better) = sigma((r_1 - r_2) / choice_temperature), r by each annotator's values",
         "Bradley and Terry 1952",
         {{"feedback.source", "annotators", "simulated people", "Christiano et al. 1706.03741"},
          {"feedback.source", "ai", "a language model judges", "Lee et al. 2309.00267"},
          {"feedback.source", "constitution", "explicit rules judge", "Bai et al. 2212.08073"},
          {"feedback.labels", "choices", "a drawn choice", ""},
          {"feedback.labels", "probabilities", "the probability of the choice", "Lee et al. 2309.00267"},
          {"feedback.thumbs", "pairs", "thumbs: the pairs taken apart", "Ethayarajh et al. 2402.01306"},
          {"feedback.thumbs", "annotators", "thumbs: each answer judged alone", "Ethayarajh et al. 2402.01306"}}},
        {"reward_model",
         "reward_model",
         "pairs",
         "l(r_w - r_l - margin) + centering (r_w + r_l)^2; normalise: scores of mean 0 and deviation 1 on the SFT "
         "model's answers",
         "Ouyang et al. 2203.02155, eq. 1; Eisenstein et al. 2312.09244",
         {{"reward_model.width", "N", "a size of its own (and depth)", "Gao et al. 2210.10760"}}},
        rlhf(),
        dpo(),
        kto(),
        {"best_of_n",
         "best_of_n",
         "pairs, through a reward model",
         "argmax of the reward over n samples of the SFT model; KL at most log n - (n - 1) / n",
         "Stiennon et al. 2009.01325; Beirami et al. 2401.01879",
         {}},
        {"online_dpo",
         "online_dpo",
         "a judge's choice between fresh samples",
         "as dpo, on two samples of the policy a prompt",
         "Guo et al. 2402.04792",
         {{"online_dpo.judge", "reward_model", "the proxy compares", "Guo et al. 2402.04792"},
          {"online_dpo.judge", "gold", "the exact gold reward does", ""},
          {"online_dpo.judge", "annotators", "the simulated people do", ""}}},
        {"online_kto",
         "online_kto",
         "a judge's thumbs for fresh samples",
         "as kto, the better of two samples desirable, the other not",
         "Ethayarajh et al. 2402.01306; Guo et al. 2402.04792",
         {{"online_kto.judge", "reward_model", "the proxy compares", "Guo et al. 2402.04792"},
          {"online_kto.judge", "gold", "the exact gold reward does", ""},
          {"online_kto.judge", "annotators", "the simulated people do", ""}}},
    };
}

}  // namespace

std::span<MethodEntry const> catalogue() {
    static std::vector<MethodEntry> const entries = make_catalogue();
    return entries;
}

}  // namespace alignsweep::cli
