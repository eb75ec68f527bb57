// SPDX-License-Identifier: Apache-2.0
#include "model/optimizer.hpp"

#include "model/small_model.hpp"

#include <stdexcept>

namespace alignsweep::model {
namespace {

config::OptimizerConfig schedule(config::Schedule shape, double warmup, double final_share) {
    return {.learning_rate = 2.0, .warmup = warmup, .final_share = final_share, .schedule = shape};
}

TEST(LearningRate, WarmsUpThenFollowsItsSchedule) {
    for (auto const shape : {config::Schedule::cosine, config::Schedule::linear, config::Schedule::constant}) {
        auto const config = schedule(shape, 0.1, 0.1);
        EXPECT_DOUBLE_EQ(learning_rate(config, 0, 100), 0.2) << "the first step must not be lost";
        EXPECT_DOUBLE_EQ(learning_rate(config, 4, 100), 1.0);
        EXPECT_DOUBLE_EQ(learning_rate(config, 9, 100), 2.0);
        EXPECT_DOUBLE_EQ(learning_rate(config, 10, 100), 2.0);
        for (int step = 10; step < 99; ++step) {
            EXPECT_LE(learning_rate(config, step + 1, 100), learning_rate(config, step, 100));
        }
        EXPECT_GE(learning_rate(config, 99, 100), shape == config::Schedule::constant ? 2.0 : 0.2);
        EXPECT_DOUBLE_EQ(learning_rate(config, 100, 100), shape == config::Schedule::constant ? 2.0 : 0.2);
    }
    EXPECT_DOUBLE_EQ(learning_rate(schedule(config::Schedule::cosine, 0.1, 0.1), 55, 100), 1.1);
    EXPECT_DOUBLE_EQ(learning_rate(schedule(config::Schedule::linear, 0.1, 0.1), 55, 100), 1.1);
    EXPECT_DOUBLE_EQ(learning_rate(schedule(config::Schedule::linear, 0.0, 0.0), 25, 100), 1.5);
}

TEST(LearningRate, HasNoStepWithoutARate) {
    for (auto const shape : {config::Schedule::cosine, config::Schedule::linear, config::Schedule::constant}) {
        for (double const warmup : {0.0, 0.01, 0.05, 0.5, 1.0}) {
            for (std::int64_t const steps : {1, 2, 3, 20, 101}) {
                for (std::int64_t step = 0; step < steps; ++step) {
                    double const rate = learning_rate(schedule(shape, warmup, 0.0), step, steps);
                    EXPECT_GT(rate, 0.0) << static_cast<int>(shape) << " " << warmup << ": step " << step << " of "
                                         << steps;
                    EXPECT_LE(rate, 2.0);
                }
            }
        }
        EXPECT_DOUBLE_EQ(learning_rate(schedule(shape, 0.0, 0.1), 0, 1), 2.0);
        EXPECT_DOUBLE_EQ(learning_rate(schedule(shape, 1.0, 0.1), 3, 4), 2.0);
    }
    // 7 % of 100 steps are 7, though 0.07 * 100 > 7 in double.
    EXPECT_DOUBLE_EQ(learning_rate(schedule(config::Schedule::constant, 0.07, 0.1), 6, 100), 2.0);
}

template <class Scalar>
using Device = kernels::Vector<Exec, Scalar>;

// Sums the given chunks with one tree.
template <class Scalar>
std::vector<Scalar> tree_sum(GradientTree<Exec, Scalar>& tree, std::vector<Numbers> const& chunks) {
    for (Numbers const& chunk : chunks) {
        Device<Scalar> const buffer = tree.begin_chunk(Exec());
        EXPECT_EQ(test::to_doubles<Scalar>(buffer), Numbers(chunk.size(), 0.0)) << "a new chunk starts at zero";
        Kokkos::deep_copy(buffer, test::to_vector<Scalar>(chunk));
        tree.finish_chunk(Exec());
    }
    return test::to_std<Scalar>(tree.total(Exec()));
}

template <class Scalar>
void the_tree_sums_in_a_fixed_form() {
    constexpr std::size_t size = 33;
    GradientTree<Exec, Scalar> used(size);
    for (std::size_t const count : {1, 2, 3, 5, 8, 13}) {
        std::vector<Numbers> chunks;
        Numbers naive(size, 0.0);
        for (std::size_t c = 0; c < count; ++c) {
            chunks.push_back(test::normal_values(size, "chunk" + std::to_string(c)));
            for (std::size_t i = 0; i < size; ++i) { naive[i] += chunks.back()[i]; }
        }
        GradientTree<Exec, Scalar> fresh(size);
        auto const sum = tree_sum(fresh, chunks);
        EXPECT_TRUE(test::allclose({sum.begin(), sum.end()}, naive, test::rounding<Scalar>()));
        EXPECT_EQ(tree_sum(used, chunks), sum) << "buffers of an earlier step must not matter";
    }
    // ((0 + 1) + (2 + 3)) + 4, for numbers where the form shows.
    Numbers const x{1.0, 1e9, -1e9, 1e-3, 7.0};
    auto const s = [&](std::size_t i) { return static_cast<Scalar>(x[i]); };
    std::vector<Numbers> chunks;
    for (double const value : x) { chunks.push_back({value}); }
    GradientTree<Exec, Scalar> tree(1);
    EXPECT_EQ(tree_sum(tree, chunks)[0], ((s(0) + s(1)) + (s(2) + s(3))) + s(4));
    EXPECT_THROW(tree.total(Exec()), std::logic_error) << "the tree was emptied";
}

template <class Scalar>
void adamw_clips_decays_and_refuses_nan() {
    Shape const shape = small_shape(true, false);
    auto parameters = small_parameters<Scalar>(shape);
    auto const before = test::to_doubles(parameters.values);
    auto const size = before.size();
    auto gradient = test::normal_values(size, "gradient");
    double const norm = std::sqrt(test::dot(gradient, gradient));
    config::OptimizerConfig const config{.learning_rate = 0.0, .weight_decay = 0.5, .epsilon = 1.0, .clip = 0.25};
    Adamw<Exec, Scalar> optimizer(parameters.layout, config);
    EXPECT_NEAR(optimizer.step(Exec(), test::to_vector<Scalar>(gradient), 0.1, parameters), norm, 1e-5 * norm);
    EXPECT_EQ(optimizer.steps_done(), 1);
    Numbers want = before;
    for (std::size_t i = 0; i < size; ++i) {
        double const g = gradient[i] * 0.25 / (norm + 1e-6);
        bool const decays = static_cast<std::int64_t>(i) < parameters.layout.matrix_size();
        want[i] = want[i] * (decays ? 1.0 - 0.1 * 0.5 : 1.0) - 0.1 * g / (std::abs(g) + 1.0);
    }
    EXPECT_TRUE(test::allclose(test::to_doubles(parameters.values), want, test::rounding<Scalar>()));

    auto const after = to_host(parameters.values), moment = to_host(optimizer.first_moment);
    for (double const bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        gradient[5] = bad;
        EXPECT_FALSE(std::isfinite(optimizer.step(Exec(), test::to_vector<Scalar>(gradient), 0.1, parameters)));
        EXPECT_EQ(optimizer.steps_done(), 1);
        EXPECT_EQ(to_host(parameters.values), after);
        EXPECT_EQ(to_host(optimizer.first_moment), moment);
    }
}

template <class Scalar>
void no_clipping_below_the_bound_or_at_zero() {
    Shape const shape = small_shape(true, false);
    Numbers const small(static_cast<std::size_t>(Layout(shape).size()), 1e-3);
    std::vector<std::vector<Scalar>> results;
    for (double const clip : {0.0, 1.0}) {
        auto parameters = small_parameters<Scalar>(shape);
        Adamw<Exec, Scalar> optimizer(parameters.layout, {.learning_rate = 0.0, .clip = clip});
        optimizer.step(Exec(), test::to_vector<Scalar>(small), 0.1, parameters);
        results.push_back(to_host(parameters.values));
    }
    EXPECT_EQ(results[0], results[1]);
}

ALIGNSWEEP_TEST_SCALARS(GradientTree, SumsInAFixedForm, the_tree_sums_in_a_fixed_form)
ALIGNSWEEP_TEST_SCALARS(ModelAdamw, ClipsDecaysAndRefusesNan, adamw_clips_decays_and_refuses_nan)
ALIGNSWEEP_TEST_SCALARS(ModelAdamw, NoClippingBelowTheBoundOrAtZero, no_clipping_below_the_bound_or_at_zero)

}  // namespace
}  // namespace alignsweep::model
