// SPDX-License-Identifier: Apache-2.0
// AdamW over a model's flat buffer, and the sum of chunk gradients.
#pragma once

#include "config/schema.hpp"
#include "model/device/parameters.hpp"

#include <vector>

namespace alignsweep::model::device {

// Adds chunk gradients in a binary tree whose form depends on the number of chunks alone: like a binary counter, two
// sums over equally many chunks are joined as soon as both stand.
template <class ExecSpace, class Scalar>
class GradientTree {
public:
    using Vector = kernels::Vector<ExecSpace, Scalar>;

    GradientTree(ExecSpace const& space, std::int64_t size) : space_(space), size_(size) {}

    // A zeroed buffer for the next chunk's gradient; `finish_chunk` takes it in.
    Vector begin_chunk();
    void finish_chunk();
    // The sum over all chunks so far; empties the tree. At least one chunk.
    Vector total();

private:
    struct Node {
        Vector sum;
        std::int64_t chunks;
    };
    Vector take();

    ExecSpace space_;
    std::int64_t size_;
    std::vector<Node> nodes_;
    std::vector<Vector> spare_;
    Vector current_;
};

template <class ExecSpace, class Scalar>
class Adamw {
public:
    using Vector = kernels::Vector<ExecSpace, Scalar>;

    Adamw(ExecSpace const& space, Layout const& layout, config::OptimizerConfig const& config);

    // One update; returns the global gradient norm before clipping. A norm that is not finite changes nothing.
    double step(Vector const& gradient, double learning_rate, Parameters<ExecSpace, Scalar> const& parameters);
    // The same for one tensor alone: the norm is that of its gradient, and no other weight or moment moves a bit.
    double step_tensor(Vector const& gradient, double learning_rate, Tensor const& tensor,
                       Parameters<ExecSpace, Scalar> const& parameters);
    // As if no step had been taken.
    void reset();

    [[nodiscard]] std::int64_t steps_done() const { return steps_done_; }
    // For checkpoints.
    Vector first_moment, second_moment;
    void set_steps_done(std::int64_t steps) { steps_done_ = steps; }

private:
    struct Range {
        std::int64_t first, size, decayed;  // the first `decayed` of its elements decay
    };
    double update(Vector const& gradient, double learning_rate, Range const& range,
                  Parameters<ExecSpace, Scalar> const& parameters);

    ExecSpace space_;
    config::OptimizerConfig config_;
    std::int64_t matrix_size_;
    std::int64_t steps_done_ = 0;
};

}  // namespace alignsweep::model::device
