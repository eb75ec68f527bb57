// SPDX-License-Identifier: Apache-2.0
// The losses of one judged answer: equations, derivatives, invariants.
#include "losses/preference.hpp"

#include "config/values.hpp"
#include "losses/helpers.hpp"

namespace alignsweep::losses {
namespace {

using namespace testing;

ThumbLossRule const kto{&thumb_loss_row("kto"), 0.3, 1.2, 0.7},
    apo{&thumb_loss_row("apo_zero_unpaired"), 0.3, 1.2, 0.7};

TEST(ThumbLosses, FollowsItsEquation) {
    double const logprob = -6.0, reference = -7.5, z0 = 0.5;
    EXPECT_NEAR(thumb_loss(kto, true, logprob, reference, z0).loss, 1.2 * (1.0 - logistic(0.3 * 1.0)), 1e-15);
    EXPECT_NEAR(thumb_loss(kto, false, logprob, reference, z0).loss, 0.7 * (1.0 - logistic(-0.3 * 1.0)), 1e-15);
    EXPECT_NEAR(thumb_loss(apo, true, logprob, reference, z0).loss, 1.2 * (1.0 - logistic(0.45)), 1e-15);
    EXPECT_NEAR(thumb_loss(apo, false, logprob, reference, z0).loss, 0.7 * logistic(0.45), 1e-15);
    for (auto const& rule : {kto, apo}) { EXPECT_NEAR(thumb_loss(rule, true, -6.0, -7.5, 0.5).reward, 0.45, 1e-15); }
}

TEST(ThumbLosses, SlopeIsTheDerivative) {
    for (auto const& rule : {kto, apo}) {
        for (bool const desirable : {true, false}) {
            for (double const logprob : {-20.0, -7.0, -1.0}) {
                auto const loss = [&](std::vector<double> const& x) {
                    return thumb_loss(rule, desirable, x[0], -7.5, 0.4).loss;
                };
                expect_derivative({thumb_loss(rule, desirable, logprob, -7.5, 0.4).slope}, {logprob}, loss);
            }
        }
    }
}

TEST(ThumbLosses, IsHalfLambdaWhereThePolicyIsTheReference) {
    for (auto const& rule : {kto, apo}) {
        EXPECT_EQ(thumb_loss(rule, true, -6.0, -6.0, 0.0).loss, 0.6);
        EXPECT_EQ(thumb_loss(rule, false, -6.0, -6.0, 0.0).loss, 0.35);
        EXPECT_EQ(thumb_loss(rule, true, -6.0, -6.0, 0.0).reward, 0.0);
    }
}

// Each number moves each loss, and z0 those whose row says so.
TEST(ThumbLosses, TheTableSaysWhatMovesTheLoss) {
    for (ThumbLossRow const& row : thumb_losses()) {
        ThumbLossRule const rule{&row, 0.3, 1.2, 0.7};
        auto const both = [](ThumbLossRule const& at, double z0) {
            return thumb_loss(at, true, -6.0, -7.0, z0).loss + thumb_loss(at, false, -6.0, -7.0, z0).loss;
        };
        for (ThumbLossKey const& key : thumb_loss_keys()) {
            ThumbLossRule moved = rule;
            moved.*key.value += 0.01;
            EXPECT_NE(both(moved, 0.5), both(rule, 0.5)) << row.name << " " << key.name;
        }
        EXPECT_EQ(both(rule, 0.5) != both(rule, 2.0), row.has_z0) << row.name;
    }
}

TEST(ThumbLosses, OnlyKtoReadsZ0) {
    EXPECT_NE(thumb_loss(kto, true, -6.0, -7.0, 0.0).loss, thumb_loss(kto, true, -6.0, -7.0, 2.0).loss);
    EXPECT_EQ(thumb_loss(apo, true, -6.0, -7.0, 0.0).loss, thumb_loss(apo, true, -6.0, -7.0, 2.0).loss);
}

TEST(ThumbLosses, TheUnpairedHalvesOfApoZeroAreApoZero) {
    ThumbLossRule const plain{&thumb_loss_row("apo_zero_unpaired"), 0.3, 1.0, 1.0};
    auto const pair = pair_loss({&pair_loss_row("apo_zero"), 0.3, 0.0, 0.0}, {-6.0, -9.0, -7.5, -8.25, 3.0, 5.0});
    auto const up = thumb_loss(plain, true, -6.0, -7.5, 0.0), down = thumb_loss(plain, false, -9.0, -8.25, 0.0);
    EXPECT_NEAR(up.loss + down.loss, pair.loss, 1e-15);
    EXPECT_NEAR(up.slope, pair.chosen_slope, 1e-15);
    EXPECT_NEAR(down.slope, pair.rejected_slope, 1e-15);
}

TEST(ThumbLosses, StaysFinite) {
    for (auto const& rule : {kto, apo}) {
        for (bool const desirable : {true, false}) {
            for (double const ratio : {-1e9, -1e4, 1e4, 1e9}) {
                auto const loss = thumb_loss(rule, desirable, ratio, 0.0, 0.0);
                bool const right = (ratio > 0.0) == desirable;
                EXPECT_EQ(loss.loss, right ? 0.0 : desirable ? 1.2 : 0.7);
                EXPECT_EQ(std::abs(loss.slope), 0.0);
            }
        }
    }
}

TEST(ThumbLossRule, ComesFromTheSection) {
    config::Config config({config::Section::of<ThumbLossRule>("kto")});
    config::assign(config, config::parse_set("kto.beta=0.4"));
    config::assign(config, config::parse_set("kto.lambda_undesirable=2"));
    EXPECT_EQ(config.get<ThumbLossRule>().row->name, "kto");
    config::assign(config, config::parse_set("kto.loss=apo_zero_unpaired"));
    auto const& rule = config.get<ThumbLossRule>();
    EXPECT_EQ(rule.row->name, "apo_zero_unpaired");
    EXPECT_EQ(rule.beta, 0.4);
    EXPECT_EQ(rule.lambda_desirable, 1.0);
    EXPECT_EQ(rule.lambda_undesirable, 2.0);
}

}  // namespace
}  // namespace alignsweep::losses
