// SPDX-License-Identifier: Apache-2.0
#include "model/optimizer.hpp"

#include "core/error.hpp"
#include "kernels/adamw.hpp"
#include "kernels/reduce.hpp"

#include <cmath>

namespace alignsweep::model {

double learning_rate(config::OptimizerConfig const& config, std::int64_t step, std::int64_t steps) {
    // The little less keeps 7 % of 100 steps at 7, though 0.07 * 100 > 7 in double.
    auto const warmup = static_cast<std::int64_t>(std::ceil(config.warmup * static_cast<double>(steps) - 1e-6));
    if (step < warmup) { return config.learning_rate * static_cast<double>(step + 1) / static_cast<double>(warmup); }
    double const rest = static_cast<double>(std::max<std::int64_t>(1, steps - warmup));
    double const done = static_cast<double>(step - warmup) / rest;
    double share = 1.0;
    if (config.schedule == config::Schedule::cosine) {
        share = config.final_share + (1.0 - config.final_share) * 0.5 * (1.0 + std::cos(M_PI * done));
    } else if (config.schedule == config::Schedule::linear) {
        share = config.final_share + (1.0 - config.final_share) * (1.0 - done);
    }
    return config.learning_rate * share;
}

template <class ExecSpace, class Scalar>
auto GradientTree<ExecSpace, Scalar>::take() -> Vector {
    if (spare_.empty()) {
        return Vector(Kokkos::view_alloc(Kokkos::WithoutInitializing, "alignsweep::model::gradient"), size_);
    }
    Vector const buffer = spare_.back();
    spare_.pop_back();
    return buffer;
}

template <class ExecSpace, class Scalar>
auto GradientTree<ExecSpace, Scalar>::begin_chunk(ExecSpace const& space) -> Vector {
    current_ = take();
    Kokkos::deep_copy(space, current_, Scalar(0));
    return current_;
}

template <class ExecSpace, class Scalar>
void GradientTree<ExecSpace, Scalar>::finish_chunk(ExecSpace const& space) {
    nodes_.push_back({current_, 1});
    while (nodes_.size() >= 2 && nodes_[nodes_.size() - 2].chunks == nodes_.back().chunks) {
        Node const right = nodes_.back();
        nodes_.pop_back();
        kernels::add<ExecSpace, Scalar>(space, right.sum, nodes_.back().sum);
        nodes_.back().chunks += right.chunks;
        spare_.push_back(right.sum);
    }
}

template <class ExecSpace, class Scalar>
auto GradientTree<ExecSpace, Scalar>::total(ExecSpace const& space) -> Vector {
    core::check(!nodes_.empty(), "the sum of no gradients");
    while (nodes_.size() >= 2) {
        Node const right = nodes_.back();
        nodes_.pop_back();
        kernels::add<ExecSpace, Scalar>(space, right.sum, nodes_.back().sum);
        spare_.push_back(right.sum);
    }
    Vector const sum = nodes_.back().sum;
    nodes_.clear();
    spare_.push_back(sum);  // valid until the next chunk begins
    return sum;
}

template <class ExecSpace, class Scalar>
Adamw<ExecSpace, Scalar>::Adamw(Layout const& layout, config::OptimizerConfig const& config)
    : first_moment("alignsweep::model::adamw::first_moment", layout.size()),
      second_moment("alignsweep::model::adamw::second_moment", layout.size()),
      config_(config),
      matrix_size_(layout.matrix_size()) {}

template <class ExecSpace, class Scalar>
double Adamw<ExecSpace, Scalar>::update(ExecSpace const& space, Vector const& gradient, double learning_rate,
                                        Range const& range, Parameters<ExecSpace, Scalar>& parameters) {
    auto const part = [&](Vector const& flat) { return as_vector<ExecSpace, Scalar>(flat, range.first, range.size); };
    double const norm = std::sqrt(kernels::sum_of_squares<ExecSpace, Scalar>(space, part(gradient)));
    if (!std::isfinite(norm)) { return norm; }
    // As in torch.nn.utils.clip_grad_norm_.
    double const scale = config_.clip > 0.0 ? std::min(1.0, config_.clip / (norm + 1e-6)) : 1.0;
    ++steps_done_;
    kernels::adamw<ExecSpace, Scalar>(
        space, {learning_rate, config_.beta1, config_.beta2, config_.epsilon, config_.weight_decay, scale, steps_done_},
        range.decayed, part(gradient), part(parameters.values), part(first_moment), part(second_moment));
    return norm;
}

template <class ExecSpace, class Scalar>
double Adamw<ExecSpace, Scalar>::step(ExecSpace const& space, Vector const& gradient, double learning_rate,
                                      Parameters<ExecSpace, Scalar>& parameters) {
    return update(space, gradient, learning_rate, {0, parameters.layout.size(), matrix_size_}, parameters);
}

template <class ExecSpace, class Scalar>
double Adamw<ExecSpace, Scalar>::step_tensor(ExecSpace const& space, Vector const& gradient, double learning_rate,
                                             Tensor const& tensor, Parameters<ExecSpace, Scalar>& parameters) {
    Range const range{tensor.offset, tensor.size(), tensor.is_matrix ? tensor.size() : 0};
    return update(space, gradient, learning_rate, range, parameters);
}

template <class ExecSpace, class Scalar>
void Adamw<ExecSpace, Scalar>::reset() {
    Kokkos::deep_copy(first_moment, Scalar(0));
    Kokkos::deep_copy(second_moment, Scalar(0));
    steps_done_ = 0;
}

#define INSTANTIATE(E, S)              \
    template class GradientTree<E, S>; \
    template class Adamw<E, S>;
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model
