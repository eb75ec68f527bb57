// SPDX-License-Identifier: Apache-2.0
#include "model/learner.hpp"

#include "model/device/engine.hpp"
#include "model/device/optimizer.hpp"

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
        share = config.final_share + (1.0 - config.final_share) * 0.5 * (1.0 + std::cos(M_PI * done));
    } else if (config.schedule == config::Schedule::linear) {
        share = config.final_share + (1.0 - config.final_share) * (1.0 - done);
    }
    return config.learning_rate * share;
}

namespace {

template <class Scalar>
struct Training {
    device::GradientTree<Exec, Scalar> tree;
    device::Adamw<Exec, Scalar> optimizer;
    Flat<Scalar> total{};  // of the last step

    Training(Layout const& layout, config::OptimizerConfig const& config)
        : tree(Exec(), layout.size()), optimizer(Exec(), layout, config) {}
};

}  // namespace

struct Learner::Device {
    std::variant<Training<float>, Training<double>> training;
};

Learner::Learner(Weights& weights, config::OptimizerConfig const& config)
    : weights_(weights), transformer_(weights.shape, weights.precision()) {
    auto const make = [&]<class Scalar>(std::type_identity<Scalar>) {
        return std::make_unique<Device>(Device{Training<Scalar>(weights.layout, config)});
    };
    device_ = weights.precision() == Precision::float32 ? make(std::type_identity<float>())
                                                        : make(std::type_identity<double>());
}
Learner::Learner(Learner&&) noexcept = default;
Learner::~Learner() = default;

ChunkOutputs Learner::forward(ChunkInput const& input, double temperature) {
    return run(transformer_, weights_, [&](auto& runner, auto const& parameters) {
        return runner.forward(parameters, input, temperature, true);
    });
}

void Learner::backward(ChunkGradients const& outputs) {
    run(transformer_, weights_, [&]<class Scalar>(device::Transformer<Exec, Scalar>& runner, auto const& parameters) {
        auto& tree = std::get<Training<Scalar>>(device_->training).tree;
        runner.backward(parameters, outputs, tree.begin_chunk());
        tree.finish_chunk();
    });
}

double Learner::step(double learning_rate, Trained trained) {
    return std::visit(
        [&]<class Scalar>(Training<Scalar>& training) {
            training.total = training.tree.total();
            auto const parameters = parameters_of<Scalar>(weights_);
            if (trained == Trained::all) { return training.optimizer.step(training.total, learning_rate, parameters); }
            auto const& tensors = weights_.layout.tensors();
            auto const head = std::find_if(tensors.begin(), tensors.end(), [&](Tensor const& tensor) {
                return tensor.offset == weights_.layout.score();
            });
            core::check(head != tensors.end(), "a model without scalar head was to train it");
            return training.optimizer.step_tensor(training.total, learning_rate, *head, parameters);
        },
        device_->training);
}

std::vector<double> Learner::take_gradient() {
    return std::visit(
        [&]<class Scalar>(Training<Scalar>& training) {
            auto const host = device::to_host<Exec, Scalar>(Exec(), training.tree.total());
            return std::vector<double>(host.begin(), host.end());
        },
        device_->training);
}

std::string Learner::nonfinite_tensor() const {
    return std::visit(
        [&]<class Scalar>(Training<Scalar> const& training) {
            auto const host = device::to_host<Exec, Scalar>(Exec(), training.total);
            for (Tensor const& tensor : weights_.layout.tensors()) {
                auto const first = host.begin() + tensor.offset;
                if (!std::all_of(first, first + tensor.size(), [](Scalar value) { return std::isfinite(value); })) {
                    return tensor.name;
                }
            }
            return std::string();
        },
        device_->training);
}

void Learner::reset() {
    std::visit([](auto& training) { training.optimizer.reset(); }, device_->training);
}

template <class Scalar>
Moments<Scalar> Learner::moments() const {
    return std::visit(
        [&]<class From>(Training<From> const& training) {
            auto const host = [](Flat<From> const& moment) {
                auto const values = device::to_host<Exec, From>(Exec(), moment);
                return std::vector<Scalar>(values.begin(), values.end());
            };
            auto const& optimizer = training.optimizer;
            return Moments<Scalar>{host(optimizer.first_moment), host(optimizer.second_moment), optimizer.steps_done()};
        },
        device_->training);
}

template <class Scalar>
void Learner::set_moments(Moments<Scalar> const& moments) {
    std::visit(
        [&]<class To>(Training<To>& training) {
            auto const set = [](std::vector<Scalar> const& values, Flat<To> const& moment) {
                device::from_host<Exec, To>(Exec(), std::vector<To>(values.begin(), values.end()), moment);
            };
            set(moments.first, training.optimizer.first_moment);
            set(moments.second, training.optimizer.second_moment);
            training.optimizer.set_steps_done(moments.steps_done);
        },
        device_->training);
}

template Moments<float> Learner::moments() const;
template Moments<double> Learner::moments() const;
template void Learner::set_moments(Moments<float> const&);
template void Learner::set_moments(Moments<double> const&);

}  // namespace alignsweep::model
