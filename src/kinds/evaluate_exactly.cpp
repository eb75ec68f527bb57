// SPDX-License-Identifier: Apache-2.0
// evaluate in the enumerable world: by listing every response, so no number here has a sampling error.
#include "core/error.hpp"
#include "core/math.hpp"
#include "infer/reward.hpp"
#include "kinds/best_of_n.hpp"
#include "kinds/evaluate.hpp"
#include "stats/best_of_n.hpp"
#include "stats/optimum.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace alignsweep::kinds {

std::vector<double> next_logprobs(infer::Transformer& transformer, infer::Weights const& weights,
                                  world::ResponseTree const& tree, stages::Tokens const& prompt, int chunk) {
    std::int64_t const tokens = tree.tokens();
    core::check(weights.shape.vocabulary == tokens, "a model of ", weights.shape.vocabulary, " tokens in a world of ",
                tokens);
    std::vector<double> next;
    for (std::int64_t first = 0; first < tree.contexts(); first += chunk) {
        stages::Tokens packed;
        std::vector<std::int32_t> offsets{0};
        for (std::int64_t node = first; node < std::min(first + chunk, tree.contexts()); ++node) {
            stages::Tokens const context = tree.context(node);
            packed.insert(packed.end(), prompt.begin(), prompt.end());
            packed.insert(packed.end(), context.begin(), context.end());
            offsets.push_back(static_cast<std::int32_t>(packed.size()));
        }
        auto const logits = transformer.logits(weights, {packed, offsets, {}, {}, {}});
        for (std::size_t s = 1; s < offsets.size(); ++s) {
            auto const row = logits.begin() + (offsets[s] - 1) * tokens;
            double const largest = *std::max_element(row, row + tokens);
            double sum = 0.0;
            for (auto z = row; z != row + tokens; ++z) { sum += core::math::exp(static_cast<double>(*z) - largest); }
            for (auto z = row; z != row + tokens; ++z) {
                next.push_back(static_cast<double>(*z) - largest - core::math::log(sum));
            }
        }
    }
    return next;
}

namespace {

// A mean over prompts for each metric.
class Means {
public:
    explicit Means(stages::Context& context, std::int64_t prompts) : context_(context), share_(1.0 / double(prompts)) {}
    void add(std::string const& name, double value) { context_.result.metrics[name] += share_ * value; }

private:
    stages::Context& context_;
    double share_;
};

// All responses to one prompt.
struct Responses {
    std::vector<data::Example> examples;
    std::vector<double> gold, length;

    Responses(world::Enumerable const& world, std::int64_t prompt) {
        auto const& tree = world.responses();
        stages::Tokens const asked = world.prompt(prompt);
        for (std::int64_t node = 0; node < tree.responses(); ++node) {
            examples.push_back({asked, tree.response(node)});
            gold.push_back(world.reward(prompt, examples.back().completion));
            length.push_back(static_cast<double>(examples.back().completion.size()));
        }
    }
};

// How far a policy is from the optimum at its beta, and what it took the reward to be: beta log(pi / ref).
void add_distance(Means& means, stages::AnswersData& answers, double beta, std::vector<double> const& policy,
                  std::vector<double> const& reference, std::vector<double> const& gold) {
    auto const optimum = stats::regularised_optimum(reference, gold, beta);
    double const objective = stats::regularised_objective(policy, reference, gold, beta);
    means.add("eval/exact/objective", objective);
    means.add("eval/exact/optimum", optimum.objective);
    means.add("eval/exact/gap", optimum.objective - objective);
    means.add("eval/exact/kl_to_optimum", stats::kl_divergence(policy, optimum.logprob));
    means.add("eval/exact/kl_from_optimum", stats::kl_divergence(optimum.logprob, policy));
    std::vector<double> recovered(policy.size());
    for (std::size_t i = 0; i < policy.size(); ++i) { recovered[i] = beta * (policy[i] - reference[i]); }
    auto const recovery = stats::reward_recovery(recovered, gold, reference);
    means.add("squares/error", recovery.error_square);
    means.add("squares/gold", recovery.gold_variance);
    append(answers.exact["optimum"], optimum.logprob);
    append(answers.exact["recovered"], recovered);
}

// Over all prompts together.
void finish_distance(std::map<std::string, double>& metrics) {
    double const error = metrics["squares/error"], gold = metrics["squares/gold"];
    metrics.erase("squares/error");
    metrics.erase("squares/gold");
    metrics["eval/exact/reward_recovered_rms"] = std::sqrt(error);
    // A reward that is the same everywhere has no variance to explain.
    if (gold > 0.0) { metrics["eval/exact/reward_recovered_r2"] = 1.0 - error / gold; }
}

}  // namespace

stages::AnswersData evaluate_exactly(stages::Context& context, world::Enumerable const& world,
                                     infer::Transformer& transformer, infer::StoredModel const& model) {
    int const chunk = context.chunk();
    infer::Weights const reference_weights = infer::load_model(context.input("sft"));
    std::int64_t const n = samples_of(model);
    auto const beta = model.number("beta");
    std::optional<infer::Reward> proxy;
    if (n > 0) { proxy.emplace(context.input("reward_model"), chunk); }
    stages::AnswersData answers;
    Means means(context, world.prompts());
    auto& metrics = context.result.metrics;
    for (std::int64_t p = 0; p < world.prompts(); ++p) {
        Responses responses(world, p);
        stages::Tokens const prompt = world.prompt(p);
        auto const& tree = world.responses();
        auto const logprobs = [&](infer::Weights const& weights) {
            auto const all = tree.logprobs(next_logprobs(transformer, weights, tree, prompt, chunk));
            double const total = stats::total_probability(all);
            core::check(std::fabs(total - 1.0) < 1e-9, "the responses to prompt ", p, " have probability ", total);
            return all;
        };
        auto const reference = logprobs(reference_weights);
        auto policy = logprobs(model.weights);
        if (n > 0) { policy = stats::exact_best_of_n(policy, proxy->score(infer::pointers(responses.examples)), n); }
        double const reward = stats::expectation(policy, responses.gold);
        means.add("eval/gold_reward", reward);
        means.add("eval/gold_vs_sft", reward - stats::expectation(reference, responses.gold));
        means.add("eval/win_rate", stats::win_probability(policy, reference, responses.gold));
        means.add("eval/kl", stats::kl_divergence(policy, reference));
        means.add("eval/length", stats::expectation(policy, responses.length));
        if (beta) { add_distance(means, answers, *beta, policy, reference, responses.gold); }
        for (double const logprob : policy) {
            answers.weight.push_back(core::math::exp(logprob) / static_cast<double>(world.prompts()));
        }
        append(answers.exact["policy"], policy);
        append(answers.exact["reference"], reference);
        append(answers.gold, responses.gold);
        std::move(responses.examples.begin(), responses.examples.end(), std::back_inserter(answers.answers));
        context.progress(0.9 * static_cast<double>(p + 1) / static_cast<double>(world.prompts()));
    }
    metrics["eval/kl_per_token"] = metrics["eval/kl"] / metrics["eval/length"];
    metrics["eval/prompts"] = static_cast<double>(world.prompts());
    answers.facts["model"] = context.input_id("model");
    if (beta) {
        finish_distance(metrics);
        answers.facts["beta"] = *beta;
    }
    return answers;
}

}  // namespace alignsweep::kinds
