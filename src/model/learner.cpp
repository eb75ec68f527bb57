// SPDX-License-Identifier: Apache-2.0
#include "model/learner.hpp"

#include "core/math.hpp"
#include "kernels/adamw.hpp"
#include "kernels/reduce.hpp"
#include "model/device/engine.hpp"
#include "model/device/gradient_tree.hpp"

#include <algorithm>
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
        share = config.final_share + (1.0 - config.final_share) * 0.5 * (1.0 + core::math::cos_of_turns(0.5 * done));
    } else if (config.schedule == config::Schedule::linear) {
        share = config.final_share + (1.0 - config.final_share) * (1.0 - done);
    }
    return config.learning_rate * share;
}

namespace {

template <class Scalar>
struct Training {
    device::GradientTree<Scalar> tree;
    Flat<Scalar> first_moment, second_moment, total{};  // total: of the last step
    std::int64_t steps_done = 0;

    explicit Training(std::int64_t size)
        : tree(Exec(), size),
          first_moment(Kokkos::view_alloc(Exec(), "alignsweep::model::first_moment"), size),
          second_moment(Kokkos::view_alloc(Exec(), "alignsweep::model::second_moment"), size) {}

    // AdamW on the elements [first, first + size), of which the first `decayed` decay.
    double update(config::OptimizerConfig const& config, double learning_rate, std::int64_t first, std::int64_t size,
                  std::int64_t decayed, Flat<Scalar> const& parameters) {
        auto const part = [&](Flat<Scalar> const& flat) { return device::part_of(flat, first, size); };
        double const norm = std::sqrt(kernels::sum_of_squares<Exec, Scalar>(Exec(), part(total)));
        if (!std::isfinite(norm)) { return norm; }
        // As in torch.nn.utils.clip_grad_norm_.
        double const scale = config.clip > 0.0 ? std::min(1.0, config.clip / (norm + 1e-6)) : 1.0;
        ++steps_done;
        kernels::adamw<Exec, Scalar>(
            Exec(), {learning_rate, config.beta1, config.beta2, config.epsilon, config.weight_decay, scale, steps_done},
            decayed, part(total), part(parameters), part(first_moment), part(second_moment));
        device::trace(Exec(), part(total), part(parameters), part(first_moment), part(second_moment));
        return norm;
    }
};

}  // namespace

struct Learner::Device {
    Either<Training> training;
};

Learner::Learner(Weights& weights, config::OptimizerConfig const& config)
    : weights_(weights),
      config_(config),
      transformer_(weights.shape, weights.precision()),
      device_(std::make_unique<Device>(Device{make_either<Training>(weights.precision(), weights.layout.size())})) {}
Learner::Learner(Learner&&) noexcept = default;
Learner::~Learner() = default;

ChunkOutputs Learner::forward(ChunkInput const& input, double temperature) {
    return run(transformer_, weights_, [&](auto& runner, auto const& parameters) {
        return runner.forward(parameters, input, temperature, true);
    });
}

void Learner::backward(ChunkGradients const& outputs) {
    run(transformer_, weights_, [&]<class Scalar>(device::Transformer<Scalar>& runner, auto const& parameters) {
        auto& tree = std::get<Training<Scalar>>(device_->training).tree;
        runner.backward(parameters, outputs, tree.begin_chunk());
        tree.finish_chunk();
    });
}

double Learner::step(double learning_rate, Trained trained) {
    Layout const& layout = weights_.layout;
    return dispatch(device_->training, [&]<class Scalar>(Training<Scalar>& training) {
        training.total = training.tree.total();
        auto const& values = values_of<Scalar>(weights_);
        if (trained == Trained::all) {
            return training.update(config_, learning_rate, 0, layout.size(), layout.matrix_size(), values);
        }
        Place const& head = layout.score();
        core::check(head.size() > 0, "a model without scalar head was to train it");
        return training.update(config_, learning_rate, head.offset, head.size(), head.size(), values);
    });
}

std::vector<double> Learner::take_gradient() {
    return dispatch(device_->training,
                    [](auto& training) { return device::to_host<double>(Exec(), training.tree.total()); });
}

std::string Learner::nonfinite_tensor() const {
    auto const total = dispatch(device_->training,
                                [](auto const& training) { return device::to_host<double>(Exec(), training.total); });
    for (Tensor const& tensor : weights_.layout.tensors()) {
        auto const first = total.begin() + tensor.offset;
        if (!std::all_of(first, first + tensor.size(), [](double value) { return std::isfinite(value); })) {
            return tensor.name;
        }
    }
    return {};
}

void Learner::reset() {
    dispatch(device_->training, []<class Scalar>(Training<Scalar>& training) {
        Kokkos::deep_copy(Exec(), training.first_moment, Scalar(0));
        Kokkos::deep_copy(Exec(), training.second_moment, Scalar(0));
        training.steps_done = 0;
    });
}

template <class Scalar>
Moments<Scalar> Learner::moments() const {
    return dispatch(device_->training, [](auto const& training) {
        return Moments<Scalar>{device::to_host<Scalar>(Exec(), training.first_moment),
                               device::to_host<Scalar>(Exec(), training.second_moment), training.steps_done};
    });
}

template <class Scalar>
void Learner::set_moments(Moments<Scalar> const& moments) {
    dispatch(device_->training, [&](auto& training) {
        device::from_host(Exec(), moments.first, training.first_moment);
        device::from_host(Exec(), moments.second, training.second_moment);
        training.steps_done = moments.steps_done;
    });
}

template Moments<float> Learner::moments<float>() const;
template Moments<double> Learner::moments<double>() const;
template void Learner::set_moments(Moments<float> const&);
template void Learner::set_moments(Moments<double> const&);

}  // namespace alignsweep::model
