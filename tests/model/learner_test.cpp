// SPDX-License-Identifier: Apache-2.0
#include "model/learner.hpp"

#include "model/small_model.hpp"

#include <cmath>
#include <limits>

namespace alignsweep::model {
namespace {

config::OptimizerConfig schedule(config::Schedule name, double warmup, double final_share) {
    return {.learning_rate = 2.0, .warmup = warmup, .final_share = final_share, .schedule = name};
}

TEST(LearningRate, WarmsUpThenFollowsItsSchedule) {
    for (auto const name : {config::Schedule::cosine, config::Schedule::linear, config::Schedule::constant}) {
        auto const config = schedule(name, 0.1, 0.1);
        EXPECT_DOUBLE_EQ(learning_rate(config, 0, 100), 0.2) << "the first step must not be lost";
        EXPECT_DOUBLE_EQ(learning_rate(config, 4, 100), 1.0);
        EXPECT_DOUBLE_EQ(learning_rate(config, 9, 100), 2.0);
        EXPECT_DOUBLE_EQ(learning_rate(config, 10, 100), 2.0);
        for (int step = 10; step < 99; ++step) {
            EXPECT_LE(learning_rate(config, step + 1, 100), learning_rate(config, step, 100));
        }
        EXPECT_GE(learning_rate(config, 99, 100), name == config::Schedule::constant ? 2.0 : 0.2);
        EXPECT_DOUBLE_EQ(learning_rate(config, 100, 100), name == config::Schedule::constant ? 2.0 : 0.2);
    }
    EXPECT_DOUBLE_EQ(learning_rate(schedule(config::Schedule::cosine, 0.1, 0.1), 55, 100), 1.1);
    EXPECT_DOUBLE_EQ(learning_rate(schedule(config::Schedule::linear, 0.1, 0.1), 55, 100), 1.1);
    EXPECT_DOUBLE_EQ(learning_rate(schedule(config::Schedule::linear, 0.0, 0.0), 25, 100), 1.5);
}

TEST(LearningRate, HasNoStepWithoutARate) {
    for (auto const name : {config::Schedule::cosine, config::Schedule::linear, config::Schedule::constant}) {
        for (double const warmup : {0.0, 0.01, 0.05, 0.5, 1.0}) {
            for (std::int64_t const steps : {1, 2, 3, 20, 101}) {
                for (std::int64_t step = 0; step < steps; ++step) {
                    double const rate = learning_rate(schedule(name, warmup, 0.0), step, steps);
                    EXPECT_GT(rate, 0.0) << static_cast<int>(name) << " " << warmup << ": step " << step << " of "
                                         << steps;
                    EXPECT_LE(rate, 2.0);
                }
            }
        }
        EXPECT_DOUBLE_EQ(learning_rate(schedule(name, 0.0, 0.1), 0, 1), 2.0);
        EXPECT_DOUBLE_EQ(learning_rate(schedule(name, 1.0, 0.1), 3, 4), 2.0);
    }
    // 7 % of 100 steps are 7, though 0.07 * 100 > 7 in double.
    EXPECT_DOUBLE_EQ(learning_rate(schedule(config::Schedule::constant, 0.07, 0.1), 6, 100), 2.0);
}

// The mean of one batch's log-probabilities, with a factor that makes the gradient large or not finite.
void add_chunk(Learner& learner, SmallBatch const& batch, double factor = 1.0) {
    auto const outputs = learner.forward(batch.input(), 1.0);
    learner.backward({Numbers(outputs.logprob.size(), factor), {}, {}});
}

template <class Scalar>
void adamw_clips_decays_and_refuses_nan() {
    Shape const shape = small_shape(true, false);
    SmallBatch const batch({5, 9});
    auto weights = small_weights<Scalar>(shape);
    config::OptimizerConfig const config{.learning_rate = 0.0, .weight_decay = 0.5, .epsilon = 1.0, .clip = 0.25};
    Learner learner(weights, config);
    auto const before = to_host<double>(weights);
    add_chunk(learner, batch);
    auto const gradient = learner.take_gradient();
    double const norm = std::sqrt(test::dot(gradient, gradient));
    ASSERT_GT(norm, 0.25);
    add_chunk(learner, batch);
    EXPECT_NEAR(learner.step(0.1), norm, 1e-5 * norm);
    EXPECT_EQ(learner.moments().steps_done, 1);
    EXPECT_EQ(learner.nonfinite_tensor(), "");
    Numbers want = before;
    for (std::size_t i = 0; i < want.size(); ++i) {
        double const g = gradient[i] * 0.25 / (norm + 1e-6);
        bool const decays = static_cast<std::int64_t>(i) < weights.layout.matrix_size();
        want[i] = want[i] * (decays ? 1.0 - 0.1 * 0.5 : 1.0) - 0.1 * g / (std::abs(g) + 1.0);
    }
    EXPECT_TRUE(test::allclose(to_host<double>(weights), want, test::rounding<Scalar>()));

    auto const after = to_host<Scalar>(weights);
    auto const moments = learner.moments<Scalar>();
    for (double const bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        add_chunk(learner, batch, bad);
        EXPECT_FALSE(std::isfinite(learner.step(0.1)));
        EXPECT_EQ(learner.nonfinite_tensor(), "model.embed_tokens.weight");
        EXPECT_EQ(learner.moments().steps_done, 1);
        EXPECT_EQ(to_host<Scalar>(weights), after);
        EXPECT_EQ(learner.moments<Scalar>().first, moments.first);
    }
}

template <class Scalar>
void no_clipping_below_the_bound_or_at_zero() {
    Shape const shape = small_shape(true, false);
    std::vector<std::vector<Scalar>> results;
    for (double const clip : {0.0, 1.0}) {
        auto weights = small_weights<Scalar>(shape);
        Learner learner(weights, {.learning_rate = 0.0, .clip = clip});
        add_chunk(learner, SmallBatch({5}), 1e-3);
        EXPECT_LT(learner.step(0.1), 1.0);
        results.push_back(to_host<Scalar>(weights));
    }
    EXPECT_EQ(results[0], results[1]);
}

// What a checkpoint keeps is all that a learner knows.
template <class Scalar>
void moments_go_on() {
    auto one = small_weights<Scalar>(small_shape(true, false)), two = small_weights<Scalar>(one.shape);
    SmallBatch const batch({5, 9});
    Learner whole(one, {}), rest(two, {});
    add_chunk(whole, batch);
    whole.step(0.1);
    from_host(to_host<Scalar>(one), two);
    rest.set_moments(whole.moments<Scalar>());
    for (Learner* learner : {&whole, &rest}) {
        add_chunk(*learner, batch);
        learner->step(0.1);
    }
    EXPECT_EQ(to_host<Scalar>(one), to_host<Scalar>(two));
    whole.reset();
    auto const moments = whole.moments<Scalar>();
    EXPECT_EQ(moments.steps_done, 0);
    EXPECT_EQ(moments.second, std::vector<Scalar>(moments.second.size(), Scalar(0)));
}

ALIGNSWEEP_TEST_SCALARS(Learner, ClipsDecaysAndRefusesNan, adamw_clips_decays_and_refuses_nan)
ALIGNSWEEP_TEST_SCALARS(Learner, NoClippingBelowTheBoundOrAtZero, no_clipping_below_the_bound_or_at_zero)
ALIGNSWEEP_TEST_SCALARS(Learner, MomentsGoOn, moments_go_on)

}  // namespace
}  // namespace alignsweep::model
