// SPDX-License-Identifier: Apache-2.0
// The rlhf stage: where it begins, which KL leads its coefficient, what its warm-up trains, that gradients are clipped.
#include "kinds/ppo.hpp"
#include "store/checkpoint.hpp"

namespace alignsweep::kinds {
namespace {

using testing::finished_life;
using testing::largest_difference;
using testing::Ppo;
using testing::sft_weights;

// The log-probability recorded while sampling is that of training, so the first ratio is 1 and the first KL 0.
TEST(Ppo, BeginsAtRatioOneAndKlZero) {
    for (auto const value_model : {ValueModel::own, ValueModel::shared}) {
        Ppo ppo([&](RlhfConfig& c) {
            c.value_model = value_model;
            c.value_warmup = 0;
            c.updates = c.epochs = 1;
            c.minibatch = c.episodes;
            c.temperature = 0.7;
        });
        ppo.run();
        EXPECT_NEAR(ppo.curve("val/ratio").at(0), 1.0, 1e-5);
        EXPECT_NEAR(ppo.curve("val/ratio_var").at(0), 0.0, 1e-9);
        EXPECT_NEAR(ppo.curve("policy/approxkl_avg").at(0), 0.0, 1e-9);
        EXPECT_EQ(ppo.curve("policy/clipfrac_avg").at(0), 0.0);
        EXPECT_NEAR(ppo.curve("objective/kl").at(0), 0.0, 1e-4);
        EXPECT_EQ(ppo.curve("episode").at(0), 12.0);
    }
}

// One episode of one token: no variance to whiten by, no second row.
TEST(Ppo, TheSmallestRollouts) {
    for (auto const value_model : {ValueModel::own, ValueModel::shared}) {
        for (auto const reward : {EpisodeReward::proxy, EpisodeReward::gold}) {
            for (int const tokens : {1, 12}) {
                Ppo ppo([&](RlhfConfig& c) {
                    c.value_model = value_model;
                    c.reward = reward;
                    c.episodes = c.minibatch = 1;
                    c.max_new_tokens = tokens;
                });
                ppo.run();
                EXPECT_TRUE(std::isfinite(ppo.curve("loss").back()));
                for (double const length : ppo.curve("objective/length")) { EXPECT_LE(length, tokens); }
            }
        }
    }
}

// Trap: the KL that is reported, the one that is penalised and the one that leads the coefficient differ.
TEST(Ppo, TheCoefficientFollowsTheReportedKl) {
    Ppo ppo([](RlhfConfig& c) {
        c.kl_control = KlControl::adaptive;
        c.kl_target = 0.004;  // the tiny policy moves little: above and below this
        c.kl_horizon = 60.0;
        c.updates = 8;
    });
    ppo.run();
    auto const kl = ppo.curve("objective/kl"), coefficient = ppo.curve("objective/kl_coef"),
               penalty = ppo.curve("objective/non_score_reward");
    auto const& config = ppo.spec.config.get<RlhfConfig>();
    double expected = config.kl_coef;
    for (std::size_t u = 0; u < kl.size(); ++u) {
        EXPECT_DOUBLE_EQ(coefficient[u], expected) << u;
        EXPECT_NEAR(penalty[u], -coefficient[u] * kl[u], 1e-12);
        if (u >= 2) { expected *= 1.0 + std::max(-0.2, std::min(0.2, kl[u] / 0.004 - 1.0)) * 12.0 / 60.0; }
    }
    EXPECT_NE(coefficient.back(), coefficient.front());
    EXPECT_DOUBLE_EQ(infer::load_stored_model(ppo.stage()).state.at("beta"), expected);
}

// The warm-up asks for the first coefficient; then it falls by equal factors over half of the updates, and stays.
TEST(Ppo, AnAnnealedCoefficientFallsFromItsStartToItsEnd) {
    Ppo ppo([](RlhfConfig& c) {
        c.kl_control = KlControl::annealed;
        c.kl_start = 1.0;
        c.kl_coef = 0.01;
        c.kl_anneal = 0.5;
    });
    ppo.run();
    auto const coefficient = ppo.curve("objective/kl_coef"), kl = ppo.curve("objective/kl"),
               penalty = ppo.curve("objective/non_score_reward");
    std::vector<double> const expected{1.0, 1.0, 1.0, 0.1, 0.01, 0.01};
    ASSERT_EQ(coefficient.size(), expected.size());
    for (std::size_t u = 0; u < expected.size(); ++u) {
        EXPECT_NEAR(coefficient[u], expected[u], 1e-12) << u;
        EXPECT_NEAR(penalty[u], -expected[u] * kl[u], 1e-12) << u;
    }
    EXPECT_EQ(infer::load_stored_model(ppo.stage()).state.at("beta"), 0.01);
}

TEST(Ppo, AWarmUpLeavesThePolicyAsItIs) {
    Ppo ppo([](RlhfConfig& c) {
        c.value_warmup = 3;
        c.updates = 0;
    });
    EXPECT_EQ(ppo.run().policy(), sft_weights());
}

// The value model warms up on whole returns: rlhf.lambda has no say in its first loss.
TEST(Ppo, TheWarmUpIsOnWholeReturns) {
    auto const losses = [](double lambda) {
        Ppo ppo([&](RlhfConfig& c) {
            c.value_warmup = c.updates = c.epochs = 1;
            c.minibatch = c.episodes;
            c.lambda = lambda;
        });
        return ppo.run().curve("val/loss_avg");
    };
    auto const far = losses(0.95), near = losses(0.1);
    EXPECT_EQ(far.at(0), near.at(0));
    EXPECT_NE(far.at(1), near.at(1));
}

TEST(Ppo, AFixedCoefficientIsKept) {
    Ppo ppo([](RlhfConfig& c) { c.kl_coef = 0.37; });
    ppo.run();
    for (double const coefficient : ppo.curve("objective/kl_coef")) { EXPECT_EQ(coefficient, 0.37); }
    EXPECT_EQ(infer::load_stored_model(ppo.stage()).state.at("beta"), 0.37);
}

// The head learns on the policy's own trunk, and the policy keeps every bit until it is trained for reward.
TEST(Ppo, TheWarmUpOfASharedTrunkTrainsItsHeadAlone) {
    auto const warm_up = [](RlhfConfig& c) {
        c.value_model = ValueModel::shared;
        c.value_warmup = 12;
        c.updates = 0;
        c.optimizer.learning_rate = 2e-2;
        c.optimizer.weight_decay = 0.1;
        c.missing_end_score = -5.0;  // returns far from 0, where the head starts
    };
    Ppo ppo(warm_up);
    ppo.run();
    EXPECT_EQ(ppo.policy(), sft_weights());
    auto const value = infer::load_value_model(ppo.stage());
    auto const first = infer::load_model_with_head(finished_life().of("sft"), 3);
    auto const after = model::to_host(value), before = model::to_host(first);
    ASSERT_EQ(after.size(), before.size());
    auto const head = static_cast<std::size_t>(value.layout.score().offset);
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (i >= head && i < head + 16) {
            EXPECT_NE(after[i], before[i]) << i;
        } else {
            EXPECT_EQ(after[i], before[i]) << i;
        }
    }
    auto const loss = ppo.curve("val/loss_avg");
    EXPECT_LT(loss.back(), 0.8 * loss.front());
}

// The head's Adam moments and step count of the warm-up would distort the trunk's first steps.
TEST(Ppo, ASharedTrunkStartsWithAFreshOptimiser) {
    Ppo ppo([](RlhfConfig& c) { c.value_model = ValueModel::shared; });
    int asked = 0;
    stages::StageHost const host{ppo.folder.path(), [&] { return ++asked == 3; }, [](double) {}};
    EXPECT_THROW(execute(ppo.spec, host), core::Stopped);
    auto const checkpoint = store::load_checkpoint(ppo.stage() / "checkpoint-3.h5");
    // The first update after two of warm-up: two passes over 12 episodes by sixes.
    EXPECT_EQ(std::get<std::int64_t>(checkpoint.state.at("steps_done")), 4);
}

// Trap: clipping that is asked for and never done. A gradient of almost nothing moves Adam's weights by almost nothing.
TEST(Ppo, ClipsTheGradientsOfPolicyAndValue) {
    for (auto const value_model : {ValueModel::own, ValueModel::shared}) {
        for (double const clip : {0.0, 1e-13}) {
            Ppo ppo([&](RlhfConfig& c) {
                c.value_model = value_model;
                c.optimizer.clip = clip;
                c.optimizer.weight_decay = 0.0;
            });
            ppo.run();
            auto const value = model::to_host(infer::load_value_model(ppo.stage()));
            bool const shared = value_model == ValueModel::shared;
            auto const start = shared ? infer::load_model_with_head(finished_life().of("sft"), 3)
                                      : infer::load_model(finished_life().of("reward_model"));
            double const policy_moved = largest_difference(ppo.policy(), sft_weights());
            double const value_moved = largest_difference(value, model::to_host(start));
            if (clip == 0.0) {
                EXPECT_GT(policy_moved, 1e-4);
                EXPECT_GT(value_moved, 1e-4);
            } else {
                EXPECT_LT(policy_moved, 1e-6);
                EXPECT_LT(value_moved, 1e-6);
            }
        }
    }
}

}  // namespace
}  // namespace alignsweep::kinds
