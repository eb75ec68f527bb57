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

// Columns of metrics.h5 and sweep.h5 that are not metrics.
constexpr std::array<std::string_view, 11> reserved = {"step",   "row",  "trial",  "key",     "status", "error",
                                                       "method", "seed", "digest", "seconds", "curves"};

}  // namespace

std::span<MetricInfo const> metric_registry() {
    static std::vector<MetricInfo> const all{
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

        {"objective/scores", "1",
         "score of the sampled completions: the proxy's, the exact gold reward, or the judge's"},
        {"objective/length", "tokens", "mean length of the sampled completions"},
        {"val/num_eos_tokens", "1", "share of the step's samples that end with the end token"},
        {"episode", "episodes", "episodes so far"},

        {"cost/models_in_memory", "models", "models held at once"},
        {"cost/labels/", "labels", "labels read: "},
        {"cost/tokens/", "tokens", "tokens processed: "},
        {"cost/flops/", "flop", "floating-point operations: "},
        {"cost/seconds/", seconds, "time spent: "},
    };
    return all;
}

MetricInfo metric_info(std::string_view name, std::span<MetricInfo const> own) {
    for (std::span<MetricInfo const> const known : {own, metric_registry()}) {
        for (MetricInfo const& metric : known) {
            if (metric.name == name) { return metric; }
            if (!metric.name.ends_with('/') || !name.starts_with(metric.name)) { continue; }
            return {std::string(name), metric.unit, core::concat(metric.description, name.substr(metric.name.size()))};
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
