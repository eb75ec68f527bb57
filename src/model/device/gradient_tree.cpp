// SPDX-License-Identifier: Apache-2.0
#include "model/device/gradient_tree.hpp"

#include "core/error.hpp"
#include "kernels/reduce.hpp"

namespace alignsweep::model::device {

template <class ExecSpace, class Scalar>
auto GradientTree<ExecSpace, Scalar>::take() -> Vector {
    if (spare_.empty()) {
        return Vector(Kokkos::view_alloc(space_, Kokkos::WithoutInitializing, "alignsweep::model::gradient"), size_);
    }
    Vector const buffer = spare_.back();
    spare_.pop_back();
    return buffer;
}

template <class ExecSpace, class Scalar>
auto GradientTree<ExecSpace, Scalar>::begin_chunk() -> Vector {
    current_ = take();
    Kokkos::deep_copy(space_, current_, Scalar(0));
    return current_;
}

template <class ExecSpace, class Scalar>
void GradientTree<ExecSpace, Scalar>::finish_chunk() {
    nodes_.push_back({current_, 1});
    while (nodes_.size() >= 2 && nodes_[nodes_.size() - 2].chunks == nodes_.back().chunks) {
        Node const right = nodes_.back();
        nodes_.pop_back();
        kernels::add<ExecSpace, Scalar>(space_, right.sum, nodes_.back().sum);
        nodes_.back().chunks += right.chunks;
        spare_.push_back(right.sum);
    }
}

template <class ExecSpace, class Scalar>
auto GradientTree<ExecSpace, Scalar>::total() -> Vector {
    core::check(!nodes_.empty(), "the sum of no gradients");
    while (nodes_.size() >= 2) {
        Node const right = nodes_.back();
        nodes_.pop_back();
        kernels::add<ExecSpace, Scalar>(space_, right.sum, nodes_.back().sum);
        spare_.push_back(right.sum);
    }
    Vector const sum = nodes_.back().sum;
    nodes_.clear();
    spare_.push_back(sum);  // valid until the next chunk begins
    return sum;
}

#define INSTANTIATE(E, S) template class GradientTree<E, S>;
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
