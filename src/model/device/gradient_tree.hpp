// SPDX-License-Identifier: Apache-2.0
// The sum of a step's gradients.
#pragma once

#include "kernels/reduce.hpp"
#include "model/device/memory.hpp"

#include <vector>

namespace alignsweep::model::device {

// Adds chunk gradients in a binary tree whose form depends on the number of chunks alone: like a binary counter, two
// sums over equally many chunks are joined as soon as both stand.
template <class Scalar>
class GradientTree {
public:
    GradientTree(Exec const& space, std::int64_t size) : space_(space), size_(static_cast<std::size_t>(size)) {}

    // A zeroed buffer for the next chunk's gradient; `finish_chunk` takes it in.
    Vector<Scalar> begin_chunk() {
        if (spare_.empty()) { spare_.push_back(uninitialised<Scalar>(space_, "alignsweep::model::gradient", size_)); }
        current_ = spare_.back();
        spare_.pop_back();
        Kokkos::deep_copy(space_, current_, Scalar(0));
        return current_;
    }
    void finish_chunk() {
        nodes_.push_back({current_, 1});
        while (nodes_.size() >= 2 && nodes_[nodes_.size() - 2].chunks == nodes_.back().chunks) { join_last(); }
    }
    // The sum over all chunks so far, valid until the next chunk begins; empties the tree. At least one chunk.
    Vector<Scalar> total() {
        core::check(!nodes_.empty(), "the sum of no gradients");
        while (nodes_.size() >= 2) { join_last(); }
        spare_.push_back(nodes_.back().sum);
        nodes_.clear();
        return spare_.back();
    }

private:
    struct Node {
        Vector<Scalar> sum;
        std::int64_t chunks;
    };

    void join_last() {
        Node const right = nodes_.back();
        nodes_.pop_back();
        kernels::add<Exec, Scalar>(space_, right.sum, nodes_.back().sum);
        nodes_.back().chunks += right.chunks;
        spare_.push_back(right.sum);
    }

    Exec space_;
    std::size_t size_;
    std::vector<Node> nodes_;
    std::vector<Vector<Scalar>> spare_;
    Vector<Scalar> current_;
};

}  // namespace alignsweep::model::device
