// SPDX-License-Identifier: Apache-2.0
// The interface of everything that trains: SFT, reward model, PPO's policy and value, DPO, KTO, and the next one.
// A loss says which sequences an example has and turns the model's outputs for them into a loss and its derivatives;
// it never touches a kernel. All of it is plain host code in double.
#pragma once

#include "data/batch.hpp"
#include "model/outputs.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace alignsweep::losses {

// Metrics of one step, added up chunk by chunk in order. Each is a weighted mean (a mean over tokens adds its tokens'
// sum with their count as weight) or the least or largest value of the step.
class MetricSums {
public:
    void add(std::string const& name, double sum, double weight) {
        auto& [total, total_weight] = sums_[name];
        total += sum;
        total_weight += weight;
    }
    void add_least(std::string const& name, double value) {
        auto const [entry, is_new] = extremes_.emplace(name, value);
        if (!is_new && !(entry->second <= value)) { entry->second = value; }
    }
    void add_largest(std::string const& name, double value) {
        auto const [entry, is_new] = extremes_.emplace(name, value);
        if (!is_new && !(entry->second >= value)) { entry->second = value; }
    }
    // name -> value; means of weight 0 are left out (a batch without the class that they are about).
    [[nodiscard]] std::map<std::string, double> values() const {
        std::map<std::string, double> result = extremes_;
        for (auto const& [name, sum] : sums_) {
            if (sum.second > 0.0) { result[name] = sum.first / sum.second; }
        }
        return result;
    }

private:
    std::map<std::string, std::pair<double, double>> sums_;
    std::map<std::string, double> extremes_;
};

// Where the model's scalar head is read in a sequence.
enum class ValueRows {
    none,
    last,    // at the last token: one number a sequence (a reward model's score)
    targets  // at every target row: the value of the state before each completion token
};

// One sequence of a chunk: its outputs stand at [target_begin, target_end) of logprob and entropy, and at
// [value_begin, value_end) of value.
struct SequenceOutputs {
    std::int64_t example;
    int which;  // 0 .. sequences_per_example - 1
    std::size_t target_begin, target_end, value_begin, value_end;
};

using model::ChunkGradients;
using model::ChunkOutputs;
using Sequences = std::span<SequenceOutputs const>;

class Loss {
public:
    virtual ~Loss() = default;

    // Examples of the data set.
    [[nodiscard]] virtual std::int64_t size() const = 0;
    // Sequences that an example has: 2 for a pair. All of an example's sequences lie in one chunk.
    [[nodiscard]] virtual int sequences_per_example() const { return 1; }
    [[nodiscard]] virtual data::Example const& sequence(std::int64_t example, int which) const = 0;
    [[nodiscard]] virtual data::TargetKind targets() const { return data::TargetKind::completion; }
    [[nodiscard]] virtual ValueRows value_rows() const { return ValueRows::none; }
    // Divisor of the logits.
    [[nodiscard]] virtual double temperature() const { return 1.0; }

    // Sequences whose log-probabilities under the current policy `prepare` wants to know; as many of each example.
    [[nodiscard]] virtual std::vector<data::Example const*> probes(std::int64_t /*example*/) const { return {}; }

    // Before a step's first chunk, once, over the whole step: sets the step's constants (token counts, z0).
    // `probe_logps` holds the summed log-probability of each example's probes, in order; empty without probes.
    virtual void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) = 0;

    // The chunk's part of the step's loss: returns its derivative by every output and adds up the metrics.
    virtual ChunkGradients backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const = 0;
};

// Sum of the log-probabilities of a sequence's targets.
[[nodiscard]] double summed_logprob(SequenceOutputs const& sequence, ChunkOutputs const& outputs);

// Log-sigmoid without overflow.
[[nodiscard]] double log_sigmoid(double x);
[[nodiscard]] double sigmoid(double x);

// Adds the mean token entropy of the chunk's targets to the metric `entropy`.
void add_entropy(ChunkOutputs const& outputs, MetricSums& metrics);

// Number of targets of an example's sequence, as data::pack counts them.
[[nodiscard]] std::int64_t target_count(data::Example const& example, data::TargetKind kind);

// Cross-entropy: pre-training on windows of text, and supervised fine-tuning on completions.
//
// loss = -(1 / N) sum over the N targets of the whole step of log pi(token). The mean is over the tokens of the step,
// not a mean of the chunks' means. Metrics: loss, entropy.
class CrossEntropy : public Loss {
public:
    // `examples` must outlive the loss.
    CrossEntropy(std::span<data::Example const> examples, data::TargetKind kind) : examples_(examples), kind_(kind) {}

    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(examples_.size()); }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int /*which*/) const override {
        return examples_[static_cast<std::size_t>(example)];
    }
    [[nodiscard]] data::TargetKind targets() const override { return kind_; }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    ChunkGradients backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const override;

private:
    std::span<data::Example const> examples_;
    data::TargetKind kind_;
    double tokens_ = 1.0;
};

}  // namespace alignsweep::losses
