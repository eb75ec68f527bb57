// SPDX-License-Identifier: Apache-2.0
// The step that all training shares: chunks forward and backward, gradients in a tree, one AdamW update.
#pragma once

#include "infer/scoring.hpp"
#include "losses/loss.hpp"
#include "stages/context.hpp"
#include "train/loop.hpp"

#include <functional>
#include <limits>

namespace alignsweep::train {

// Some examples of a loss: a step, or a part of one whose loss is a sum.
struct Part {
    losses::Loss* loss;
    std::span<std::int64_t const> examples;
};

using model::Trained;

class Trainer {
public:
    // `chunk`: sequences of a chunk.
    Trainer(infer::Weights& weights, config::OptimizerConfig const& optimizer, int chunk);

    // One optimiser step over `examples`. Metrics: the loss's own, grad_norm, learning_rate. A loss or gradient that
    // is not finite throws TrialError naming the step and the tensor, and changes nothing.
    std::map<std::string, double> step(losses::Loss& loss, std::span<std::int64_t const> examples, double learning_rate,
                                       std::int64_t step);
    // The same over several parts, whose gradients add up in their order; no two parts share a metric's name.
    std::map<std::string, double> step(std::span<Part const> parts, double learning_rate, std::int64_t step,
                                       Trained trained = Trained::all);

    [[nodiscard]] model::Learner& learner() { return learner_; }
    [[nodiscard]] infer::Transformer& transformer() { return learner_.transformer(); }
    // Tokens that went through since the trainer was made: forward alone, and forward with backward.
    [[nodiscard]] double probe_tokens() const { return probe_tokens_; }
    [[nodiscard]] double trained_tokens() const { return trained_tokens_; }

private:
    void add_gradients(Part const& part, losses::MetricSums& sums);

    infer::Weights& weights_;
    model::Learner learner_;
    int chunk_;
    double probe_tokens_ = 0.0, trained_tokens_ = 0.0;
};

// A whole run of one loss over one data set: resumes from a checkpoint, logs, publishes, checkpoints, and puts the
// costs and the last step's metrics into the context. `steps` may be less than the order holds.
struct Schedule {
    std::int64_t epochs, batch, max_steps = std::numeric_limits<std::int64_t>::max();
};
// What goes on around the steps of a run, where there is more to it than learning.
struct Surroundings {
    std::vector<Trainee> kept{};  // further models that checkpoints keep
    // Before a step; returns the tokens that it sent forward.
    std::function<double(std::int64_t step, std::span<std::int64_t const> examples)> before{};
    // After a step, before its checkpoint.
    std::function<void(std::int64_t step)> after{};
};
void train(stages::Context& context, infer::Weights& weights, losses::Loss& loss, Schedule const& schedule,
           config::OptimizerConfig const& optimizer, std::string const& cost_role,
           Surroundings const& surroundings = {});

}  // namespace alignsweep::train
