// SPDX-License-Identifier: Apache-2.0
#include "store/metric_names.hpp"

#include "core/error.hpp"
#include "store/paths.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace alignsweep::store {

namespace {

// Not "seconds": xarray would turn the column into time intervals.
constexpr char const* seconds = "s";
constexpr char const* sequence_nats = "nats per sequence";
constexpr char const* token_nats = "nats per token";

std::vector<MetricInfo> make_registry() {
    return {
        {"loss", "1", "the method's loss, mean over the step"},
        {"grad_norm", "1", "L2 norm of the gradient before clipping"},
        {"learning_rate", "1", "learning rate of the step"},
        {"num_tokens", "tokens", "tokens trained on so far"},
        {"entropy", token_nats, "entropy of the policy's next token, mean over completion tokens"},
        {"epoch", "epochs", "passes over the training set so far"},

        {"rewards/chosen", "1", "implicit reward of the chosen (desirable) completions"},
        {"rewards/rejected", "1", "implicit reward of the rejected (undesirable) completions"},
        {"rewards/margins", "1", "implicit reward, chosen minus rejected"},
        {"rewards/accuracies", "1", "share of pairs whose chosen completion has the higher implicit reward"},
        {"logps/chosen", sequence_nats, "log-probability of the chosen (desirable) completions"},
        {"logps/rejected", sequence_nats, "log-probability of the rejected (undesirable) completions"},
        {"kl", sequence_nats, "KTO's z0: mean log-ratio over mismatched completions, at least 0"},

        {"accuracy", "1", "share of pairs whose chosen completion has the higher reward"},
        {"margin", "1", "reward model: mean reward, chosen minus rejected"},
        {"min_reward", "1", "reward model: smallest reward of the step"},
        {"mean_reward", "1", "reward model: mean reward of the step"},
        {"max_reward", "1", "reward model: largest reward of the step"},

        {"objective/kl", sequence_nats, "KL of the policy to the reference, on its own samples"},
        {"objective/entropy", sequence_nats, "minus the log-probability of the sampled completions"},
        {"objective/non_score_reward", "1", "KL penalty, summed over the completion"},
        {"objective/rlhf_reward", "1", "score plus the KL penalty"},
        {"objective/scores", "1",
         "score of the sampled completions: the proxy's, the exact gold reward, or the judge's"},
        {"objective/kl_coef", "1", "coefficient of the KL penalty in this update"},
        {"objective/length", "tokens", "mean length of the sampled completions"},
        {"objective/undecided", "1", "online: share of prompts whose two answers are equal, or equally good"},
        {"policy/loss_avg", "1", "PPO: clipped policy loss"},
        {"policy/ptx_loss", token_nats, "PPO-ptx: cross-entropy of the pre-training text mixed in"},
        {"policy/approxkl_avg", token_nats, "PPO: KL of the updated policy to the one that sampled"},
        {"policy/clipfrac_avg", "1", "PPO: share of tokens whose ratio is clipped"},
        {"policy/entropy_avg", token_nats, "PPO: entropy of the policy's next token"},
        {"val/loss_avg", "1", "PPO: clipped value loss"},
        {"val/clipfrac_avg", "1", "PPO: share of tokens whose value is clipped"},
        {"val/ratio", "1", "PPO: mean ratio of the updated policy to the one that sampled"},
        {"val/ratio_var", "1", "PPO: variance of that ratio"},
        {"val/num_eos_tokens", "1", "share of the step's samples that end with the end token"},
        {"episode", "episodes", "episodes so far"},

        {"eval/gold_reward", "1", "exact gold reward of the policy's samples"},
        {"eval/proxy_reward", "1", "reward model's (or implicit) reward of the policy's samples"},
        {"eval/kl", sequence_nats, "KL of the policy to the SFT model, on the policy's samples (best of n: its bound)"},
        {"eval/kl_bound", sequence_nats,
         "best of n: log n - (n - 1) / n, which the KL to the SFT model does not exceed"},
        {"eval/kl_per_token", token_nats, "KL of the policy to the SFT model, per sampled token"},
        {"eval/win_rate", "1",
         "share of prompts where the policy's gold reward beats the SFT model's; ties count half"},
        {"eval/exact/objective", "1", "enumerable world: expected gold reward less beta times the KL to the SFT model"},
        {"eval/exact/optimum", "1", "enumerable world: the largest objective that any policy reaches"},
        {"eval/exact/gap", "1", "enumerable world: optimum less objective, beta times the KL to the optimal policy"},
        {"eval/exact/kl_to_optimum", sequence_nats, "KL of the policy to the optimal policy at its beta"},
        {"eval/exact/kl_from_optimum", sequence_nats, "KL of the optimal policy at its beta to the policy"},
        {"eval/exact/reward_recovered_rms", "1",
         "root mean square, under the SFT model, of beta times the log-ratio less the gold reward, each less its mean "
         "over the prompt's responses"},
        {"eval/exact/reward_recovered_r2", "1",
         "share of the gold reward's variance that beta times the log-ratio has"},
        {"eval/perplexity", "1", "perplexity on held-out text"},
        {"eval/behaviour/answers", "1", "share of responses that answer"},
        {"eval/behaviour/asks_back", "1", "share of responses that are another question"},
        {"eval/behaviour/no_answer", "1", "share of responses that answer nothing"},
        {"eval/behaviour/rambles", "1", "share of responses that go on after the answer"},
        {"eval/behaviour/refuses_unsafe", "1", "share of unsafe requests that are refused"},
        {"eval/behaviour/refuses_harmless", "1", "share of harmless requests that are refused"},
        {"eval/length", "tokens", "mean length of the answers"},
        {"feedback/agreement", "1", "share of labelled pairs that the gold reward orders alike; its ties are left out"},
        {"cost/models_in_memory", "models", "models held at once"},
    };
}

std::vector<MetricInfo> const& registry() {
    static std::vector<MetricInfo> const all = make_registry();
    return all;
}

struct Family {
    std::string_view prefix;
    char const* unit;
    char const* description;  // the rest of the name follows
};
constexpr std::array families = {
    Family{"cost/labels/", "labels", "labels read: "},
    Family{"cost/tokens/", "tokens", "tokens processed: "},
    Family{"cost/flops/", "flop", "floating-point operations: "},
    Family{"cost/seconds/", seconds, "time spent: "},
    Family{"eval/gold/", "1", "component of the gold reward: "},
    Family{"eval/token/within/", "1", "correlation over unfinished answers, within prompts: "},
    Family{"eval/token/all/", "1", "correlation over unfinished answers of all prompts: "},
    Family{"eval/token/finished/", "1", "correlation over finished answers, within prompts: "},
    Family{"eval/token/step/", "1", "correlation of what single tokens add: "},
    Family{"eval/token/noise/", "1", "share of the variance that is Monte Carlo error: "},
    Family{"eval/behaviour/", "1", "share of responses: "},
};

// Columns of metrics.h5 and sweep.h5 that are not metrics.
constexpr std::array<std::string_view, 11> reserved = {"step",   "row",  "trial",  "key",     "status", "error",
                                                       "method", "seed", "digest", "seconds", "curves"};

}  // namespace

std::span<MetricInfo const> metric_registry() { return registry(); }

MetricInfo metric_info(std::string_view name, std::span<MetricInfo const> own) {
    auto const mine = std::find_if(own.begin(), own.end(), [&](auto const& m) { return m.name == name; });
    if (mine != own.end()) { return *mine; }
    auto const known =
        std::find_if(registry().begin(), registry().end(), [&](auto const& m) { return m.name == name; });
    if (known != registry().end()) { return *known; }
    for (Family const& family : families) {
        if (name.starts_with(family.prefix)) {
            std::string const rest(name.substr(family.prefix.size()));
            return {std::string(name), family.unit, family.description + rest};
        }
    }
    for (auto const& [suffix, end] : {std::pair{"_low", "lower"}, std::pair{"_high", "upper"}}) {
        if (name.ends_with(suffix)) {
            MetricInfo const of = metric_info(name.substr(0, name.size() - std::string_view(suffix).size()), own);
            return {std::string(name), of.unit, core::concat(end, " end of the interval of ", of.name)};
        }
    }
    return {std::string(name), "1", ""};
}

void check_metric_name(std::string const& name) {
    std::string const defect = path_defect(name);
    core::check(defect.empty(), "metric '", name, "': ", defect);
    std::string_view const first = std::string_view(name).substr(0, name.find('/'));
    core::check(std::find(reserved.begin(), reserved.end(), first) == reserved.end(), "metric '", name,
                "': this name is taken by a column of the program's own");
}

}  // namespace alignsweep::store
