// SPDX-License-Identifier: Apache-2.0
// The step that all methods share: chunks, order, metrics, and numbers that are not finite.
#include "train/trainer.hpp"

#include "core/error.hpp"
#include "losses/loss.hpp"
#include "losses/ppo.hpp"
#include "losses/preference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace alignsweep::train {
namespace {

model::Shape tiny_shape(bool scalar_head) { return {40, 16, 1, 2, 2, 32, 64, 10000.0, 1e-5, true, scalar_head}; }

infer::Weights tiny_weights(bool scalar_head = false) {
    infer::Weights weights(tiny_shape(scalar_head));
    model::initialise(weights, 5, 0.05, 0.3);
    return weights;
}

std::vector<std::int32_t> some_tokens(std::uint32_t row, int count) {
    core::Draws draws(core::RandomStream(11, "trainer_test"), 0, row);
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < count; ++i) { tokens.push_back(static_cast<std::int32_t>(draws.index(40))); }
    return tokens;
}

// Examples of unequal length.
std::vector<data::Example> some_examples(int count) {
    std::vector<data::Example> examples;
    for (int i = 0; i < count; ++i) {
        auto const row = static_cast<std::uint32_t>(i);
        examples.push_back({some_tokens(row, 2 + i % 5), some_tokens(100 + row, 1 + (3 * i) % 7)});
    }
    return examples;
}

std::vector<std::int64_t> in_order(std::size_t count) {
    std::vector<std::int64_t> examples(count);
    std::iota(examples.begin(), examples.end(), 0);
    return examples;
}

config::OptimizerConfig const optimizer{.learning_rate = 1e-2};

struct StepResult {
    std::map<std::string, double> metrics;
    std::vector<float> weights;
};

StepResult step_of(losses::Loss& objective, std::vector<std::int64_t> const& order, int chunk) {
    auto weights = tiny_weights();
    Trainer trainer(weights, optimizer, chunk);
    auto metrics = trainer.step(objective, order, 1e-2, 0);
    return {std::move(metrics), model::to_host(weights)};
}

double largest_difference(std::vector<float> const& a, std::vector<float> const& b) {
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) { largest = std::max(largest, std::abs(double(a[i]) - double(b[i]))); }
    return largest;
}

TEST(Trainer, TheSameStepGivesTheSameBytes) {
    auto const examples = some_examples(11);
    losses::CrossEntropy objective(examples, data::TargetKind::completion);
    auto const first = step_of(objective, in_order(11), 4), again = step_of(objective, in_order(11), 4);
    EXPECT_EQ(first.weights, again.weights);
    EXPECT_EQ(first.metrics, again.metrics);
    EXPECT_NE(first.weights, model::to_host(tiny_weights()));
}

TEST(Trainer, OrderAndChunksWithinTheStepHardlyMatter) {
    auto const examples = some_examples(11);
    losses::CrossEntropy objective(examples, data::TargetKind::completion);
    auto const reference = step_of(objective, in_order(11), 4);
    auto turned = in_order(11);
    std::reverse(turned.begin(), turned.end());
    for (auto const& other : {step_of(objective, turned, 4), step_of(objective, in_order(11), 1),
                              step_of(objective, in_order(11), 3), step_of(objective, in_order(11), 64)}) {
        EXPECT_NEAR(other.metrics.at("loss") / reference.metrics.at("loss"), 1.0, 1e-5);
        EXPECT_NEAR(other.metrics.at("grad_norm") / reference.metrics.at("grad_norm"), 1.0, 1e-5);
        EXPECT_NEAR(other.metrics.at("entropy") / reference.metrics.at("entropy"), 1.0, 1e-5);
        // Adam's first step moves a weight by its gradient's sign, so rounding moves few of them far; none is lost.
        EXPECT_LT(largest_difference(other.weights, reference.weights), 2.1e-2);
    }
}

TEST(Trainer, MetricsAndTokensOfAStep) {
    auto const examples = some_examples(6);
    losses::CrossEntropy objective(examples, data::TargetKind::completion);
    auto weights = tiny_weights();
    Trainer trainer(weights, optimizer, 4);
    infer::Transformer transformer(weights.shape);
    double sum = 0.0, count = 0.0, all = 0.0;
    for (auto const& tokens :
         infer::token_logprobs(transformer, weights, infer::pointers(examples), 1.0, data::TargetKind::completion, 4)) {
        for (double const logprob : tokens) { sum -= logprob; }
        count += static_cast<double>(tokens.size());
    }
    for (auto const& example : examples) { all += static_cast<double>(example.tokens()); }
    auto const metrics = trainer.step(objective, in_order(6), 0.5e-2, 0);
    EXPECT_NEAR(metrics.at("loss"), sum / count, 1e-6);
    EXPECT_EQ(metrics.at("learning_rate"), 0.5e-2);
    EXPECT_GT(metrics.at("grad_norm"), 0.0);
    EXPECT_GT(metrics.at("entropy"), 0.0);
    EXPECT_EQ(trainer.trained_tokens(), all);
    EXPECT_EQ(trainer.probe_tokens(), 0.0);
}

TEST(Trainer, TheLossFalls) {
    auto const examples = some_examples(8);
    losses::CrossEntropy objective(examples, data::TargetKind::completion);
    auto weights = tiny_weights();
    Trainer trainer(weights, optimizer, 4);
    double const first = trainer.step(objective, in_order(8), 1e-2, 0).at("loss");
    double last = first;
    for (int s = 1; s < 30; ++s) { last = trainer.step(objective, in_order(8), 1e-2, s).at("loss"); }
    EXPECT_LT(last, 0.5 * first);
}

// Pairs whose reference log-probabilities come from the very weights that training starts with.
TEST(Trainer, DpoBeginsAtLogTwo) {
    auto const examples = some_examples(12);
    auto weights = tiny_weights();
    infer::Transformer transformer(weights.shape);
    auto const reference = infer::sequence_logprobs(transformer, weights, infer::pointers(examples), 3);
    std::vector<losses::Pair> pairs;
    for (std::size_t i = 0; i < 12; i += 2) {
        pairs.push_back({examples[i], examples[i + 1], reference[i], reference[i + 1]});
    }
    losses::PairLoss objective(pairs, {.beta = 0.1});
    Trainer trainer(weights, optimizer, 4);
    auto const metrics = trainer.step(objective, in_order(6), 1e-2, 0);
    EXPECT_NEAR(metrics.at("loss"), std::log(2.0), 1e-6);
    EXPECT_NEAR(metrics.at("rewards/margins"), 0.0, 1e-5);
    auto const next = trainer.step(objective, in_order(6), 1e-2, 1);
    EXPECT_LT(next.at("loss"), std::log(2.0) - 1e-3);
    EXPECT_GT(next.at("rewards/margins"), 0.0);
}

TEST(Trainer, KtosZ0IsThatOfTheWholeStep) {
    auto const examples = some_examples(16);
    auto weights = tiny_weights();
    infer::Transformer transformer(weights.shape);
    auto const now = infer::sequence_logprobs(transformer, weights, infer::pointers(examples), 5);
    std::vector<losses::Thumb> thumbs;
    double expected = 0.0;
    for (std::size_t i = 0; i < 8; ++i) {
        double const ratio = i < 4 ? -2.0 : 5.0;  // a chunk's own mean would be 0 (cut off) or 5
        thumbs.push_back({examples[i], i % 2 == 0, now[i], examples[8 + i], now[8 + i] - ratio});
        expected += ratio / 8.0;
    }
    losses::ThumbLoss objective(thumbs, {.beta = 0.5});
    Trainer trainer(weights, optimizer, 4);
    auto const metrics = trainer.step(objective, in_order(8), 1e-2, 0);
    EXPECT_NEAR(objective.z0(), expected, 1e-5);
    EXPECT_NEAR(metrics.at("kl"), expected, 1e-5);
    EXPECT_GT(trainer.probe_tokens(), 0.0);
}

TEST(Trainer, ALossThatIsNotFiniteNamesTheStepAndChangesNothing) {
    auto const examples = some_examples(4);
    losses::CrossEntropy objective(examples, data::TargetKind::completion);
    auto weights = tiny_weights();
    auto host = model::to_host(weights);
    host[static_cast<std::size_t>(weights.layout.final_norm().offset)] = std::numeric_limits<float>::quiet_NaN();
    model::from_host(host, weights);
    Trainer trainer(weights, optimizer, 4);
    try {
        trainer.step(objective, in_order(4), 1e-2, 17);
        FAIL() << "a loss of NaN went through";
    } catch (core::TrialError const& error) {
        std::string const text = error.what();
        EXPECT_NE(text.find("step 17"), std::string::npos) << text;
        EXPECT_NE(text.find("not finite"), std::string::npos) << text;
    }
    EXPECT_EQ(trainer.learner().moments().steps_done, 0);
}

// A loss whose loss is finite and whose derivative is not.
class Broken final : public losses::Loss {
public:
    explicit Broken(std::span<data::Example const> examples) : examples_(examples) {}
    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(examples_.size()); }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int /*which*/) const override {
        return examples_[static_cast<std::size_t>(example)];
    }
    void prepare(std::span<std::int64_t const> /*examples*/, std::span<double const> /*probe_logps*/) override {}
    model::ChunkGradients backward(std::span<losses::SequenceOutputs const> /*sequences*/,
                                   model::ChunkOutputs const& outputs, losses::MetricSums& metrics) const override {
        metrics.add("loss", 1.0, 1.0);
        return {std::vector<double>(outputs.logprob.size(), std::numeric_limits<double>::infinity()), {}, {}};
    }

private:
    std::span<data::Example const> examples_;
};

TEST(Trainer, AGradientThatIsNotFiniteNamesStepAndTensorAndChangesNothing) {
    auto const examples = some_examples(4);
    Broken objective(examples);
    auto weights = tiny_weights();
    auto const before = model::to_host(weights);
    Trainer trainer(weights, optimizer, 4);
    try {
        trainer.step(objective, in_order(4), 1e-2, 3);
        FAIL() << "an infinite gradient went through";
    } catch (core::TrialError const& error) {
        std::string const text = error.what();
        EXPECT_NE(text.find("step 3"), std::string::npos) << text;
        bool named = false;
        for (auto const& tensor : weights.layout.tensors()) {
            named = named || text.find(tensor.name) != std::string::npos;
        }
        EXPECT_TRUE(named) << text;
    }
    EXPECT_EQ(model::to_host(weights), before);
}

// Two halves of a loss are the loss, in one update.
TEST(Trainer, PartsOfAStepAddUp) {
    auto const examples = some_examples(8);
    losses::PpoTextLoss whole(examples, 1.0), half(examples, 0.5), rest(examples, 0.5);
    auto one = tiny_weights(), two = tiny_weights();
    Trainer single(one, optimizer, 4), both(two, optimizer, 4);
    auto const order = in_order(8);
    std::vector<Part> const parts{{&half, order}, {&rest, order}};
    auto const expected = single.step(whole, order, 1e-2, 0), metrics = both.step(parts, 1e-2, 0);
    EXPECT_NEAR(metrics.at("grad_norm") / expected.at("grad_norm"), 1.0, 1e-5);
    EXPECT_NEAR(metrics.at("policy/ptx_loss"), expected.at("policy/ptx_loss"), 1e-6);
    EXPECT_EQ(both.learner().moments().steps_done, 1);
    EXPECT_EQ(both.trained_tokens(), 2.0 * single.trained_tokens());
}

// Trap: token means of each micro-batch. Episodes are of unequal length, so any mean but the step's own shows.
TEST(Trainer, PpoOnASharedTrunkHardlyDependsOnTheChunk) {
    losses::Rollout rollout;
    rollout.examples = some_examples(11);
    core::Draws draws(core::RandomStream(3, "trainer_test/ppo"), 0, 0);
    for (auto const& example : rollout.examples) {
        losses::Episode episode;
        for (std::size_t t = 0; t < example.completion.size(); ++t) {
            episode.logprob.push_back(-3.7 + 0.1 * draws.normal());
            episode.value.push_back(draws.normal());
            episode.advantage.push_back(draws.normal());
            episode.returns.push_back(draws.normal());
        }
        rollout.episodes.push_back(episode);
    }
    std::map<std::string, double> reference;
    for (int const chunk : {64, 1, 2, 5}) {
        losses::PpoSharedLoss objective(losses::PpoPolicyLoss(rollout, 0.2, 1.0),
                                        losses::PpoValueLoss(rollout, 0.2, 0.1));
        auto weights = tiny_weights(true);
        Trainer trainer(weights, optimizer, chunk);
        auto const metrics = trainer.step(objective, in_order(11), 1e-2, 0);
        if (reference.empty()) { reference = metrics; }
        for (char const* name : {"grad_norm", "policy/loss_avg", "val/loss_avg", "val/ratio", "policy/entropy_avg"}) {
            EXPECT_NEAR(metrics.at(name) / reference.at(name), 1.0, 1e-4) << name << ' ' << chunk;
        }
    }
}

TEST(Trainer, TrainsTheScalarHeadAlone) {
    losses::Rollout rollout{some_examples(4), {}};
    for (auto const& example : rollout.examples) {
        std::vector<double> const zeros(example.completion.size(), 0.0), ones(example.completion.size(), 1.0);
        rollout.episodes.push_back({zeros, zeros, zeros, 0.0, zeros, ones});
    }
    losses::PpoValueLoss objective(rollout, 10.0, 1.0);
    auto weights = tiny_weights(true);
    auto const before = model::to_host(weights);
    auto const order = in_order(4);
    Part const part{&objective, order};
    Trainer trainer(weights, {.learning_rate = 1e-2, .weight_decay = 0.1}, 4);
    trainer.step(std::span(&part, 1), 1e-2, 0, Trained::scalar_head);
    auto const after = model::to_host(weights), moment = trainer.learner().moments().first;
    auto const head = static_cast<std::size_t>(weights.layout.score().offset);
    for (std::size_t i = 0; i < after.size(); ++i) {
        bool const is_head = i >= head && i < head + 16;
        EXPECT_EQ(after[i] != before[i], is_head) << i;
        EXPECT_EQ(moment[i] != float(0), is_head) << i;
    }
    trainer.learner().reset();
    EXPECT_EQ(trainer.learner().moments().steps_done, 0);
    EXPECT_EQ(trainer.learner().moments().first, std::vector<float>(after.size(), float(0)));
    EXPECT_EQ(trainer.learner().moments().second, std::vector<float>(after.size(), float(0)));

    auto headless = tiny_weights();
    losses::CrossEntropy text(rollout.examples, data::TargetKind::completion);
    Part const other{&text, order};
    Trainer without(headless, optimizer, 4);
    EXPECT_THROW(without.step(std::span(&other, 1), 1e-2, 0, Trained::scalar_head), std::logic_error);
}

TEST(Forward, ResultsHardlyDependOnTheChunk) {
    auto const examples = some_examples(9);
    auto const weights = tiny_weights(true);
    infer::Transformer transformer(weights.shape);
    auto const list = infer::pointers(examples);
    auto const logps = infer::sequence_logprobs(transformer, weights, list, 9);
    auto const rewards = infer::scores(transformer, weights, list, 9);
    auto const values = infer::token_values(transformer, weights, list, 9);
    for (int const chunk : {1, 2, 4}) {
        auto const other_logps = infer::sequence_logprobs(transformer, weights, list, chunk);
        auto const other_rewards = infer::scores(transformer, weights, list, chunk);
        auto const other_values = infer::token_values(transformer, weights, list, chunk);
        for (std::size_t i = 0; i < list.size(); ++i) {
            EXPECT_NEAR(other_logps[i], logps[i], 1e-4);
            EXPECT_NEAR(other_rewards[i], rewards[i], 1e-5);
            // One value a completion token: that of the state before it.
            ASSERT_EQ(other_values[i].size(), examples[i].completion.size());
            EXPECT_NEAR(other_values[i].front(), values[i].front(), 1e-5);
        }
    }
    // Before the last token, not at it: another row than the reward's.
    EXPECT_NE(values[0].back(), rewards[0]);
}

}  // namespace
}  // namespace alignsweep::train
