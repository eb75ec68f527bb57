// SPDX-License-Identifier: Apache-2.0
#include "cli/catalogue.hpp"

namespace alignsweep::cli {

namespace {

// D = (log pi - log pi_ref)(chosen) - the same of the rejected; c, r: the two log-ratios; l(x) = -log sigma(x).
MethodEntry dpo() {
    return {
        "dpo",
        "dpo",
        "pairs",
        "l(beta D); D = c - r, c and r = log pi - log pi_ref of chosen and rejected, l(x) = -log sigma(x)",
        "Rafailov et al. 2305.18290, eq. 7",
        {{"dpo.loss", "sigmoid", "l(beta D)", "Rafailov et al. 2305.18290, eq. 7"},
         {"dpo.loss", "cdpo", "(1 - e) l(beta D) + e l(-beta D), e = label_smoothing", "Mitchell, note on DPO, 2023"},
         {"dpo.loss", "rdpo", "[(1 - e) l(beta D) - e l(-beta D)] / (1 - 2 e)", "Ray Chowdhury et al. 2403.00409"},
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
         {"dpo.loss", "bco_pair", "l(beta c) + l(-beta r)", "Jung et al. 2404.04656; no reward shift, as in TRL"},
         {"dpo.loss", "sppo_hard", "(c - 1 / (2 beta))^2 + (r + 1 / (2 beta))^2", "Wu et al. 2405.00675, eq. 4.7"},
         {"dpo.loss", "discopop", "(1 - w) l(beta D) + w exp(-beta D), w = sigma(beta D / discopop_tau)",
          "Lu et al. 2406.08414, eq. 5"},
         {"dpo.loss", "aot", "cdpo's, each policy margin against the reference margin of its rank in the step",
          "Melnyk et al. 2406.05882"},
         {"dpo.loss", "aot_unpaired", "cdpo's, each c against the r of its rank in the step",
          "Melnyk et al. 2406.05882"},
         {"dpo.sync_steps", "N", "every N steps pi_ref = sync_alpha pi + (1 - sync_alpha) pi_ref",
          "Gorbatovski et al. 2404.09656"}}};
}

MethodEntry kto() {
    return {"kto",
            "kto",
            "thumbs",
            "lambda_D [1 - sigma(beta (r - z0))] or lambda_U [1 - sigma(beta (z0 - r))], r = log pi - log pi_ref",
            "Ethayarajh et al. 2402.01306, eq. 8",
            {{"kto.loss", "kto", "z0 = max(0, mean of log pi - log pi_ref over mismatched completions)",
              "Ethayarajh et al. 2402.01306, section 4.2"},
             {"kto.loss", "apo_zero_unpaired", "lambda_D [1 - sigma(beta r)] or lambda_U sigma(beta r); no z0",
              "D'Oosterlinck et al. 2408.06266"}}};
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
