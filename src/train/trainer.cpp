// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.hpp"

#include "core/error.hpp"
#include "data/order.hpp"
#include "infer/chunk.hpp"
#include "train/cost_meter.hpp"

#include <algorithm>
#include <cmath>

namespace alignsweep::train {

using losses::SequenceOutputs;

Trainer::Trainer(infer::Weights& weights, config::OptimizerConfig const& optimizer, int chunk)
    : weights_(weights), learner_(weights, optimizer), chunk_(chunk) {}

void Trainer::add_gradients(Part const& part, losses::MetricSums& sums) {
    losses::Loss& loss = *part.loss;
    auto const examples = part.examples;
    std::vector<data::Example const*> probes;
    for (std::int64_t const example : examples) {
        for (auto const* probe : loss.probes(example)) {
            probes.push_back(probe);
            probe_tokens_ += static_cast<double>(probe->tokens());
        }
    }
    loss.prepare(examples, infer::sequence_logprobs(transformer(), weights_, probes, chunk_));

    int const unit = loss.sequences_per_example();
    auto const per_chunk = static_cast<std::size_t>(std::max(1, chunk_ / unit));
    for (std::size_t first = 0; first < examples.size(); first += per_chunk) {
        auto const some = examples.subspan(first, std::min(per_chunk, examples.size() - first));
        std::vector<data::Example const*> sequences;
        for (std::int64_t const example : some) {
            for (int which = 0; which < unit; ++which) { sequences.push_back(&loss.sequence(example, which)); }
        }
        infer::Chunk const chunk(sequences, loss.targets(), loss.value_rows());
        auto const outputs = learner_.forward(chunk.input(), loss.temperature());
        std::vector<SequenceOutputs> views;
        for (std::size_t s = 0; s < sequences.size(); ++s) {
            views.push_back(chunk.outputs_of(s, some[s / static_cast<std::size_t>(unit)],
                                             static_cast<int>(s % static_cast<std::size_t>(unit))));
        }
        learner_.backward(loss.backward(views, outputs, sums));
        trained_tokens_ += static_cast<double>(chunk.batch.tokens.size());
    }
}

std::map<std::string, double> Trainer::step(losses::Loss& loss, std::span<std::int64_t const> examples,
                                            double learning_rate, std::int64_t step) {
    Part const part{&loss, examples};
    return this->step(std::span(&part, 1), learning_rate, step);
}

std::map<std::string, double> Trainer::step(std::span<Part const> parts, double learning_rate, std::int64_t step,
                                            Trained trained) {
    losses::MetricSums sums;
    for (Part const& part : parts) { add_gradients(part, sums); }
    auto metrics = sums.values();
    for (auto const& [name, value] : metrics) {
        if (!std::isfinite(value)) { throw core::TrialError("step ", step, ": ", name, " is not finite"); }
    }
    double const norm = learner_.step(learning_rate, trained);
    if (!std::isfinite(norm)) {
        std::string const tensor = learner_.nonfinite_tensor();
        throw core::TrialError(tensor.empty()
                                   ? core::concat("step ", step, ": the gradient's norm is not finite")
                                   : core::concat("step ", step, ": the gradient of ", tensor, " is not finite"));
    }
    metrics["grad_norm"] = norm;
    metrics["learning_rate"] = learning_rate;
    return metrics;
}

void train(stages::Context& context, infer::Weights& weights, losses::Loss& loss, Schedule const& schedule,
           config::OptimizerConfig const& optimizer, std::string const& cost_role, Surroundings const& surroundings) {
    auto const order_stream = context.stream(&config::SeedConfig::train, context.kind() + "/order");
    data::BatchOrder const order(loss.size(), schedule.batch, schedule.epochs, order_stream);
    std::int64_t const steps = std::min(order.steps(), schedule.max_steps);
    Trainer trainer(weights, optimizer, context.chunk());
    std::vector<Trainee> trainees{{"", &weights, &trainer.learner()}};
    trainees.insert(trainees.end(), surroundings.kept.begin(), surroundings.kept.end());
    std::map<std::string, double> state{{"num_tokens", 0.0}, {"probe_tokens", 0.0}};
    run_steps(context, trainees, state, steps, [&](std::int64_t s) {
        double const trained = trainer.trained_tokens(), probed = trainer.probe_tokens();
        auto const examples = order.indices(s);
        if (surroundings.before) { state["probe_tokens"] += surroundings.before(s, examples); }
        auto metrics = trainer.step(loss, examples, model::learning_rate(optimizer, s, steps), s);
        if (surroundings.after) { surroundings.after(s); }
        state["num_tokens"] += trainer.trained_tokens() - trained;
        state["probe_tokens"] += trainer.probe_tokens() - probed;
        metrics["num_tokens"] = state["num_tokens"];
        metrics["epoch"] = static_cast<double>(s + 1) / static_cast<double>(order.steps_per_epoch());
        return metrics;
    });
    add_model_cost(context, cost_role, weights.layout.parameter_count(), state["probe_tokens"], state["num_tokens"]);
}

}  // namespace alignsweep::train
