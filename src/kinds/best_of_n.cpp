// SPDX-License-Identifier: Apache-2.0
#include "kinds/best_of_n.hpp"

#include "core/error.hpp"
#include "infer/reward.hpp"
#include "stages/descriptor.hpp"
#include "stats/best_of_n.hpp"
#include "train/cost_meter.hpp"

namespace alignsweep::kinds {

namespace {

constexpr char const* state_name = "best_of_n";

void run_best_of_n(stages::Context& context) {
    infer::Weights const weights = infer::load_model(context.input("sft"));
    infer::save_model(context.folder(), weights,
                      {{state_name, static_cast<double>(context.section<BestOfNConfig>().n)}});
}

}  // namespace

std::int64_t samples_of(infer::StoredModel const& model) {
    return static_cast<std::int64_t>(model.number(state_name).value_or(0.0));
}

train::Answers best_answers(stages::Context& context, infer::Transformer& transformer, infer::StoredModel const& model,
                            std::vector<stages::Tokens> const& prompts, infer::SamplingPlan plan,
                            std::function<void(double)> const& passed) {
    int const chunk = context.chunk();
    infer::Reward reward(context.input("reward_model"), chunk);
    stats::BestOfN choice;
    train::Answers best;
    std::int64_t const n = samples_of(model);
    double seen = 0.0;
    std::uint32_t const first = plan.step;
    for (std::int64_t k = 0; k < n; ++k) {
        plan.step = first + static_cast<std::uint32_t>(k);
        auto samples = train::answer(transformer, model.weights, prompts, plan, chunk, [&](double share) {
            if (passed) { passed((static_cast<double>(k) + share) / static_cast<double>(n)); }
        });
        seen += train::tokens_of(samples.examples);
        best.examples.resize(prompts.size());
        best.completions.resize(prompts.size());
        for (std::size_t const i : choice.offer(reward.score(infer::pointers(samples.examples)))) {
            best.examples[i] = std::move(samples.examples[i]);
            best.completions[i] = std::move(samples.completions[i]);
        }
    }
    train::add_model_cost(context, "policy", model.weights.layout.parameter_count(),
                          seen - train::tokens_of(best.examples));
    train::add_model_cost(context, "reward_model", reward.parameter_count(), seen);
    return best;
}

stages::Descriptor describe_best_of_n() {
    stages::Descriptor kind{
        .name = "best_of_n", .version = 2, .purpose = stages::Purpose::method, .run = run_best_of_n};
    kind.reads = [](stages::Reads& r) { r.section<BestOfNConfig>(); };
    kind.inputs = stages::always({{"sft", "sft"}});
    kind.sections = {config::Section::of<BestOfNConfig>("best_of_n")};
    kind.models = [](config::Config const&) { return std::vector<std::string>{"policy", "reward_model"}; };
    kind.to_sample = {{"reward_model", "reward_model"}};
    kind.trains_policy = false;
    kind.entry = {"pairs, through a reward model",
                  "argmax of the reward over n samples of the SFT model; KL at most log n - (n - 1) / n",
                  "Stiennon et al. 2009.01325; Beirami et al. 2401.01879"};
    return kind;
}

}  // namespace alignsweep::kinds
