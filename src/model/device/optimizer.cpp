// SPDX-License-Identifier: Apache-2.0
#include "model/device/optimizer.hpp"

#include "core/error.hpp"
#include "kernels/adamw.hpp"
#include "kernels/reduce.hpp"

#include <cmath>

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

template <class ExecSpace, class Scalar>
Adamw<ExecSpace, Scalar>::Adamw(ExecSpace const& space, Layout const& layout, config::OptimizerConfig const& config)
    : first_moment(Kokkos::view_alloc(space, "alignsweep::model::adamw::first_moment"), layout.size()),
      second_moment(Kokkos::view_alloc(space, "alignsweep::model::adamw::second_moment"), layout.size()),
      space_(space),
      config_(config),
      matrix_size_(layout.matrix_size()) {}

template <class ExecSpace, class Scalar>
double Adamw<ExecSpace, Scalar>::update(Vector const& gradient, double learning_rate, Range const& range,
                                        Parameters<ExecSpace, Scalar> const& parameters) {
    auto const part = [&](Vector const& flat) { return as_vector<ExecSpace, Scalar>(flat, range.first, range.size); };
    double const norm = std::sqrt(kernels::sum_of_squares<ExecSpace, Scalar>(space_, part(gradient)));
    if (!std::isfinite(norm)) { return norm; }
    // As in torch.nn.utils.clip_grad_norm_.
    double const scale = config_.clip > 0.0 ? std::min(1.0, config_.clip / (norm + 1e-6)) : 1.0;
    ++steps_done_;
    kernels::adamw<ExecSpace, Scalar>(
        space_,
        {learning_rate, config_.beta1, config_.beta2, config_.epsilon, config_.weight_decay, scale, steps_done_},
        range.decayed, part(gradient), part(parameters.values), part(first_moment), part(second_moment));
    return norm;
}

template <class ExecSpace, class Scalar>
double Adamw<ExecSpace, Scalar>::step(Vector const& gradient, double learning_rate,
                                      Parameters<ExecSpace, Scalar> const& parameters) {
    return update(gradient, learning_rate, {0, parameters.layout.size(), matrix_size_}, parameters);
}

template <class ExecSpace, class Scalar>
double Adamw<ExecSpace, Scalar>::step_tensor(Vector const& gradient, double learning_rate, Tensor const& tensor,
                                             Parameters<ExecSpace, Scalar> const& parameters) {
    Range const range{tensor.offset, tensor.size(), tensor.is_matrix ? tensor.size() : 0};
    return update(gradient, learning_rate, range, parameters);
}

template <class ExecSpace, class Scalar>
void Adamw<ExecSpace, Scalar>::reset() {
    Kokkos::deep_copy(space_, first_moment, Scalar(0));
    Kokkos::deep_copy(space_, second_moment, Scalar(0));
    steps_done_ = 0;
}

#define INSTANTIATE(E, S)              \
    template class GradientTree<E, S>; \
    template class Adamw<E, S>;
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
