// SPDX-License-Identifier: Apache-2.0
// A model in training: chunks forward and backward, the sum of their gradients, and AdamW; and the learning rate's
// schedule.
#pragma once

#include "config/schema.hpp"
#include "model/transformer.hpp"

#include <string>

namespace alignsweep::model {

// Learning rate of step `step` (0 is the first) of `steps`: linear warm-up, then cosine, linear or constant.
double learning_rate(config::OptimizerConfig const& config, std::int64_t step, std::int64_t steps);

// What a step may change: every weight, or the scalar head's alone.
enum class Trained { all, scalar_head };

// What a checkpoint keeps of an optimiser: flat buffers in the order of the parameters, and how many steps were taken.
template <class Scalar = float>
struct Moments {
    std::vector<Scalar> first, second;
    std::int64_t steps_done = 0;
};

class Learner {
public:
    // Trains `weights`, which outlive this.
    Learner(Weights& weights, config::OptimizerConfig const& config);
    Learner(Learner&&) noexcept;
    ~Learner();

    // For passes of this or another model of the same shape, between the chunks of a step.
    [[nodiscard]] Transformer& transformer() { return transformer_; }

    // As Transformer::forward, and keeps what `backward` reads.
    ChunkOutputs forward(ChunkInput const& input, double temperature);
    // Adds the gradient of a loss, given its derivatives by the outputs of the last `forward`, to the step's sum.
    // Called at most once after each. The chunks' gradients are added in a tree whose form depends on their number
    // alone.
    void backward(ChunkGradients const& outputs);

    // One update by the sum of the chunks since the last; at least one. Returns the norm of the gradient before
    // clipping (of the scalar head's alone, where only that is trained: no other weight or moment moves a bit). A norm
    // that is not finite changes nothing.
    double step(double learning_rate, Trained trained = Trained::all);
    // Instead of a step: that sum on the host, in the layout's order.
    std::vector<double> take_gradient();
    // Name of the first tensor whose gradient in the last step was not finite; empty where there is none.
    [[nodiscard]] std::string nonfinite_tensor() const;

    // As if no step had been taken.
    void reset();
    template <class Scalar = float>
    [[nodiscard]] Moments<Scalar> moments() const;
    template <class Scalar>
    void set_moments(Moments<Scalar> const& moments);

private:
    struct Device;
    Weights& weights_;
    config::OptimizerConfig config_;
    Transformer transformer_;
    std::unique_ptr<Device> device_;
};

}  // namespace alignsweep::model
