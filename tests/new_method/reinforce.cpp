// SPDX-License-Identifier: Apache-2.0
// reinforce: a whole method in one file. Each round the policy answers prompts, the reward model scores the answers,
// and one step follows (R - b) times the gradient of log pi(answer), b a running mean of R (Williams 1992).
#include "infer/reward.hpp"
#include "stages/descriptor.hpp"
#include "train/cost_meter.hpp"
#include "train/loop.hpp"
#include "train/rollout.hpp"
#include "train/trainer.hpp"

#include <numeric>

namespace alignsweep::kinds {
namespace {
struct Section {
    config::Int updates = 40, prompts = 64, max_new_tokens = 32;
    double decay = 0.9;
    config::OptimizerConfig optimizer{.learning_rate = 3e-4};
    void fields(config::FieldVisitor& visit) {
        visit("updates", updates, {0, 1e7}, "rounds of sampling and one optimiser step");
        visit("prompts", prompts, {1, 1e7}, "prompts of a round");
        visit("max_new_tokens", max_new_tokens, {1, 65536}, "most tokens of a completion");
        visit("decay", decay, config::probability, "weight of earlier rounds in the running mean of the reward");
        optimizer.fields(visit);
    }
};

// loss = -(1 / N) sum over N answers of (R - b) log pi(answer).
struct Reinforce final : losses::Loss {
    std::vector<data::Example> answers;
    std::vector<double> advantages;
    std::int64_t size() const override { return static_cast<std::int64_t>(answers.size()); }
    data::Example const& sequence(std::int64_t i, int) const override {
        return answers.at(static_cast<std::size_t>(i));
    }
    void prepare(std::span<std::int64_t const>, std::span<double const>) override {}
    model::ChunkGradients backward(std::span<losses::SequenceOutputs const> sequences,
                                   model::ChunkOutputs const& outputs, losses::MetricSums& metrics) const override {
        model::ChunkGradients slopes{std::vector<double>(outputs.logprob.size()), {}, {}};
        for (auto const& one : sequences) {
            double const advantage = advantages.at(static_cast<std::size_t>(one.example));
            metrics.add("loss", -advantage * losses::summed_logprob(one, outputs), 1.0);
            for (auto t = one.target_begin; t < one.target_end; ++t) {
                slopes.logprob[t] = -advantage / double(size());
            }
        }
        return slopes;
    }
};

void run(stages::Context& context) {
    auto const& config = context.section<Section>();
    infer::Weights policy = infer::load_model(context.input("sft"));
    infer::Reward reward(context.input("reward_model"), context.chunk());
    train::Trainer trainer(policy, config.optimizer, context.chunk());
    train::Prompts const prompts(context, config.max_new_tokens);
    std::vector<std::int64_t> all(static_cast<std::size_t>(config.prompts));
    std::iota(all.begin(), all.end(), 0);
    auto const samples = context.stream(&config::SeedConfig::rollout, "reinforce");
    std::map<std::string, double> state{{"baseline", 0.0}, {"num_tokens", 0.0}};
    train::run_steps(context, {{"", &policy, &trainer.learner()}}, state, config.updates, [&](std::int64_t update) {
        Reinforce loss;
        infer::SamplingPlan const plan{samples, static_cast<std::uint32_t>(update), 1.0, config.max_new_tokens};
        auto const asked = train::tokens_of(prompts.ask(update, config.prompts));
        loss.answers = train::answer(trainer.transformer(), policy, asked, plan, context.chunk()).examples;
        loss.advantages = reward.score(infer::pointers(loss.answers));
        double const mean = std::accumulate(loss.advantages.begin(), loss.advantages.end(), 0.0) / double(all.size());
        double const baseline = update == 0 ? mean : state["baseline"];
        for (double& score : loss.advantages) { score -= baseline; }
        state["num_tokens"] += train::tokens_of(loss.answers);
        state["baseline"] = config.decay * baseline + (1.0 - config.decay) * mean;
        double const rate = model::learning_rate(config.optimizer, update, config.updates);
        std::map<std::string, double> metrics{{"reinforce/baseline", baseline}, {"objective/scores", mean}};
        metrics.merge(trainer.step(loss, all, rate, update));
        return metrics;
    });
    double const tokens = state["num_tokens"];
    train::add_model_cost(context, "policy", policy.layout.parameter_count(), tokens, tokens);
    infer::save_model(context.folder(), policy);
}
}  // namespace

stages::Descriptor describe_reinforce() {
    stages::Descriptor kind{.name = "reinforce", .purpose = stages::Purpose::method, .run = run};
    kind.reads = [](stages::Reads& r) { r.section<Section>().model_limits().seeds(&config::SeedConfig::rollout); };
    kind.inputs = [](config::Config const&, stages::Descriptor const*) {
        return std::vector<stages::Input>{{"sft", "sft"}, {"feedback", "feedback"}, {"reward_model", "reward_model"}};
    };
    kind.sections = {config::Section::of<Section>("reinforce")};
    kind.models = [](config::Config const&) { return std::vector<std::string>{"policy", "reward_model"}; };
    kind.entry = {"pairs, through a reward model", "-(R - b) log pi(answer), b a running mean of R", "Williams 1992"};
    kind.metrics = {{"reinforce/baseline", "1", "running mean of the reward, before the step"}};
    return kind;
}
}  // namespace alignsweep::kinds
