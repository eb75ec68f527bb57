// SPDX-License-Identifier: Apache-2.0
// token_values in the enumerable world: every beginning of every answer, valued by summing over the tree.
#include "core/math.hpp"
#include "kinds/evaluate.hpp"
#include "kinds/token_values.hpp"
#include "stats/prefix_values.hpp"

#include <cmath>

namespace alignsweep::kinds {

namespace {

// Rows of one prompt: the contexts of the tree, then its responses.
class PromptTree {
public:
    PromptTree(stages::PrefixData& prefixes, world::Enumerable const& world, std::int64_t prompt)
        : prefixes_(prefixes), world_(world), tree_(world.responses()), prompt_(prompt), first_(prefixes.size()) {
        stages::Tokens const asked = world.prompt(prompt);
        for (std::int64_t node = 0; node < tree_.contexts(); ++node) {
            prefixes_.add({asked, tree_.context(node)}, prompt, node == 0 ? -1 : row_of(tree_.parent(node)), false);
        }
        for (std::int64_t node = 0; node < tree_.responses(); ++node) {
            std::int64_t const before = row_of(tree_.ends(node) ? node : tree_.parent(node));
            prefixes_.add({asked, tree_.response(node)}, prompt, before, true);
            gold_.push_back(world.reward(prompt, tree_.response(node)));
        }
    }

    void value(TokenModels const& models, int chunk) {
        stages::Tokens const prompt = world_.prompt(prompt_);
        auto const policy = next_logprobs(models.transformer, models.policy, tree_, prompt, chunk);
        auto const sft = next_logprobs(models.transformer, models.sft, tree_, prompt, chunk);
        weigh(policy, sft);
        auto const scores = models.reward.score(infer::pointers(std::span(prefixes_.beginnings).subspan(first_)));
        std::vector<double> const whole(scores.begin() + static_cast<std::ptrdiff_t>(tree_.contexts()), scores.end());
        append(prefixes_.estimates["score"], scores);
        using stats::prefix_values;
        add_exact("gold_sft", prefix_values(tree_, sft, gold_), gold_);
        add_exact("gold_policy", prefix_values(tree_, policy, gold_), gold_);
        add_exact("gold_soft", stats::soft_prefix_values(tree_, sft, gold_, models.beta), gold_);
        // The answer that ends at a context is the response of the same node.
        std::vector<double> const ended(gold_.begin(), gold_.begin() + static_cast<std::ptrdiff_t>(tree_.contexts()));
        add_exact("gold_ended", ended, gold_);
        add_exact("proxy_sft", prefix_values(tree_, sft, whole), whole);
        add_exact("proxy_policy", prefix_values(tree_, policy, whole), whole);
        add_exact("proxy_soft", stats::soft_prefix_values(tree_, sft, whole, models.beta), whole);
    }

private:
    [[nodiscard]] std::int64_t row_of(std::int64_t context) const {
        return static_cast<std::int64_t>(first_) + context;
    }
    void add_exact(std::string const& name, std::vector<double> const& contexts, std::vector<double> const& whole) {
        append(prefixes_.exact[name], contexts);
        append(prefixes_.exact[name], whole);
    }
    // Half of the answers are the policy's, half the SFT model's.
    void weigh(std::vector<double> const& policy, std::vector<double> const& sft) {
        auto const add_mean = [&](std::vector<double> const& a, std::vector<double> const& b) {
            for (std::size_t i = 0; i < a.size(); ++i) {
                prefixes_.weight.push_back(0.5 * (core::math::exp(a[i]) + core::math::exp(b[i])));
            }
        };
        add_mean(tree_.context_logprobs(policy), tree_.context_logprobs(sft));
        add_mean(tree_.logprobs(policy), tree_.logprobs(sft));
    }

    stages::PrefixData& prefixes_;
    world::Enumerable const& world_;
    world::ResponseTree const& tree_;
    std::int64_t prompt_;
    std::size_t first_;
    std::vector<double> gold_;
};

}  // namespace

stages::PrefixData enumerate_prefixes(stages::Context& context, world::Enumerable const& world,
                                      TokenModels const& models) {
    stages::PrefixData prefixes;
    for (std::int64_t p = 0; p < world.prompts(); ++p) {
        PromptTree(prefixes, world, p).value(models, context.chunk());
        context.pass(0.8 * static_cast<double>(p + 1) / static_cast<double>(world.prompts()));
    }
    return prefixes;
}

}  // namespace alignsweep::kinds
