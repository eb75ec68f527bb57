// SPDX-License-Identifier: Apache-2.0
// The sum of a step's gradients.
#pragma once

#include "kernels/types.hpp"

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

}  // namespace alignsweep::model::device
