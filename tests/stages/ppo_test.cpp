// SPDX-License-Identifier: Apache-2.0
// The rlhf stage and its variants: gold reward, adaptive KL, shared trunk, missing ends, pre-training text.
#include "methods/gae.hpp"
#include "stages/ppo_rollout.hpp"
#include "stages/tiny.hpp"
#include "store/manifest.hpp"
#include "store/metrics.hpp"

#include <cmath>

namespace alignsweep::stages {
namespace {

using testing::digests_of;
using testing::finished_life;
using testing::host_of;
using testing::TemporaryFolder;

namespace fs = std::filesystem;

using Change = void (*)(config::RlhfConfig&);

// One rlhf stage beside its finished inputs.
struct Ppo {
    TemporaryFolder folder;
    StageSpec spec;

    template <class Changes>
    explicit Ppo(Changes const& change) {
        auto const& life = finished_life();
        auto config = life.config;
        config.rlhf.value_warmup = 2;
        change(config.rlhf);
        std::map<std::string, std::string> inputs;
        auto const add = [&](std::string const& role) { inputs[role] = life.specs.at(role).id(); };
        add("sft");
        add("feedback");
        if (config.rlhf.reward == "proxy") { add("reward_model"); }
        if (config.rlhf.reward == "gold" || config.rlhf.ptx_coef > 0.0) { add("corpus"); }
        spec = make_stage("rlhf", config, 3, inputs);
        for (auto const& [role, id] : inputs) {
            fs::copy(life.folder.path() / id, folder.path() / id, fs::copy_options::recursive);
        }
    }
    [[nodiscard]] fs::path stage() const { return folder.path() / spec.id(); }
    Ppo& run() {
        execute(spec, host_of(folder.path()));
        return *this;
    }
    [[nodiscard]] std::vector<double> curve(std::string const& name) const {
        return store::MetricStream::load(stage() / "metrics.h5").column(name);
    }
    [[nodiscard]] std::vector<Real> policy() const { return model::to_host(load_model(stage()).values); }
};

double largest_difference(std::vector<Real> const& a, std::vector<Real> const& b) {
    EXPECT_EQ(a.size(), b.size());
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) { largest = std::max(largest, std::abs(double(a[i]) - double(b[i]))); }
    return largest;
}

std::vector<Real> sft_weights() { return model::to_host(load_model(finished_life().of("sft")).values); }

struct Variant {
    char const* name;
    Change change;
};
std::vector<Variant> const variants{
    {"gold", [](config::RlhfConfig& c) { c.reward = "gold"; }},
    {"adaptive",
     [](config::RlhfConfig& c) {
         c.kl_control = "adaptive";
         c.kl_horizon = 60.0;
     }},
    {"shared", [](config::RlhfConfig& c) { c.value_model = "shared"; }},
    {"subtract",
     [](config::RlhfConfig& c) {
         c.missing_end = "subtract";
         c.missing_end_penalty = 0.5;
     }},
    {"ptx", [](config::RlhfConfig& c) { c.ptx_coef = 0.5; }},
    {"k3", [](config::RlhfConfig& c) { c.kl_estimator = "k3"; }},
    {"all",
     [](config::RlhfConfig& c) {
         c.reward = "gold";
         c.kl_control = "adaptive";
         c.kl_horizon = 60.0;
         c.value_model = "shared";
         c.ptx_coef = 0.5;
         c.kl_estimator = "k3";
         c.temperature = 0.8;
         c.epochs = 3;
         c.minibatch = 5;
     }},
};

class PpoVariant : public ::testing::TestWithParam<Variant> {};

// Trap: a resume that loses the adaptive coefficient, the moments or the order of the data.
TEST_P(PpoVariant, LeavesTheSameBytesHoweverOftenItIsStopped) {
    Ppo whole(GetParam().change), pieces(GetParam().change);
    whole.run();
    bool done = false;
    for (int stops = 0; !done && stops < 20; ++stops) {
        try {
            execute(pieces.spec, {pieces.folder.path(), [] { return true; }, [](double) {}});
            done = true;
        } catch (core::Stopped const&) {}
    }
    ASSERT_TRUE(done);
    EXPECT_EQ(digests_of(pieces.stage()), digests_of(whole.stage()));
    auto const one = store::read_manifest(whole.stage()), other = store::read_manifest(pieces.stage());
    EXPECT_EQ(one->costs, other->costs);
    EXPECT_TRUE(one->files.contains("value.h5"));
}

TEST_P(PpoVariant, LearnsAndLeavesAPolicyAndAValueModel) {
    Ppo ppo(GetParam().change);
    ppo.run();
    auto const policy = load_stored_model(ppo.stage());
    EXPECT_FALSE(policy.weights.shape.scalar_head);
    EXPECT_GT(largest_difference(model::to_host(policy.weights.values), sft_weights()), 1e-5);
    EXPECT_TRUE(policy.state.contains("beta"));
    EXPECT_TRUE(load_value_model(ppo.stage()).shape.scalar_head);
    auto const loss = ppo.curve("loss");
    ASSERT_EQ(loss.size(), 6U);
    for (std::size_t u = 2; u < 6; ++u) { EXPECT_TRUE(std::isfinite(loss[u])); }
    auto const& config = ppo.spec.config.rlhf;
    auto const costs = store::read_manifest(ppo.stage())->costs;
    EXPECT_EQ(costs.contains("tokens/value"), config.value_model == "own");
    EXPECT_EQ(costs.contains("tokens/reward_model"), config.reward == "proxy");
}

INSTANTIATE_TEST_SUITE_P(Variants, PpoVariant, ::testing::ValuesIn(variants),
                         [](auto const& info) { return std::string(info.param.name); });

// The log-probability recorded while sampling is that of training, so the first ratio is 1 and the first KL 0.
TEST(Ppo, BeginsAtRatioOneAndKlZero) {
    for (char const* value_model : {"own", "shared"}) {
        Ppo ppo([&](config::RlhfConfig& c) {
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
    for (char const* value_model : {"own", "shared"}) {
        for (char const* reward : {"proxy", "gold"}) {
            for (int const tokens : {1, 12}) {
                Ppo ppo([&](config::RlhfConfig& c) {
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
    Ppo ppo([](config::RlhfConfig& c) {
        c.kl_control = "adaptive";
        c.kl_target = 0.004;  // the tiny policy moves little: above and below this
        c.kl_horizon = 60.0;
        c.updates = 8;
    });
    ppo.run();
    auto const kl = ppo.curve("objective/kl"), coefficient = ppo.curve("objective/kl_coef"),
               penalty = ppo.curve("objective/non_score_reward");
    auto const& config = ppo.spec.config.rlhf;
    double expected = config.kl_coef;
    for (std::size_t u = 0; u < kl.size(); ++u) {
        EXPECT_DOUBLE_EQ(coefficient[u], expected) << u;
        EXPECT_NEAR(penalty[u], -coefficient[u] * kl[u], 1e-12);
        if (u >= 2) { expected *= 1.0 + std::max(-0.2, std::min(0.2, kl[u] / 0.004 - 1.0)) * 12.0 / 60.0; }
    }
    EXPECT_NE(coefficient.back(), coefficient.front());
    EXPECT_DOUBLE_EQ(load_stored_model(ppo.stage()).state.at("beta"), expected);
}

TEST(Ppo, AFixedCoefficientIsKept) {
    Ppo ppo([](config::RlhfConfig& c) { c.kl_coef = 0.37; });
    ppo.run();
    for (double const coefficient : ppo.curve("objective/kl_coef")) { EXPECT_EQ(coefficient, 0.37); }
    EXPECT_EQ(load_stored_model(ppo.stage()).state.at("beta"), 0.37);
}

// The head learns on the policy's own trunk, and the policy keeps every bit until it is trained for reward.
TEST(Ppo, TheWarmUpOfASharedTrunkTrainsItsHeadAlone) {
    auto const warm_up = [](config::RlhfConfig& c) {
        c.value_model = "shared";
        c.value_warmup = 12;
        c.updates = 0;
        c.optimizer.learning_rate = 2e-2;
        c.optimizer.weight_decay = 0.1;
    };
    Ppo ppo(warm_up);
    ppo.run();
    EXPECT_EQ(ppo.policy(), sft_weights());
    auto const value = load_value_model(ppo.stage());
    auto const first = load_model_with_head(finished_life().of("sft"), 3);
    auto const after = model::to_host(value.values), before = model::to_host(first.values);
    ASSERT_EQ(after.size(), before.size());
    auto const head = static_cast<std::size_t>(value.layout.score());
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

// Trap: clipping that is asked for and never done. A gradient of almost nothing moves Adam's weights by almost nothing.
TEST(Ppo, ClipsTheGradientsOfPolicyAndValue) {
    for (char const* value_model : {"own", "shared"}) {
        for (double const clip : {0.0, 1e-13}) {
            Ppo ppo([&](config::RlhfConfig& c) {
                c.value_model = value_model;
                c.optimizer.clip = clip;
                c.optimizer.weight_decay = 0.0;
            });
            ppo.run();
            auto const value = model::to_host(load_value_model(ppo.stage()).values);
            bool const shared = std::string(value_model) == "shared";
            auto const start = shared ? load_model_with_head(finished_life().of("sft"), 3)
                                      : load_model(finished_life().of("reward_model"));
            double const policy_moved = largest_difference(ppo.policy(), sft_weights());
            double const value_moved = largest_difference(value, model::to_host(start.values));
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

TEST(Ppo, TextIsReadAtTemperatureOneAndPaidFor) {
    auto const one_step = [](double temperature, double coefficient) {
        return [=](config::RlhfConfig& c) {
            c.value_warmup = 0;
            c.updates = c.epochs = 1;
            c.minibatch = c.episodes;
            c.temperature = temperature;
            c.ptx_coef = coefficient;
        };
    };
    Ppo warm(one_step(1.0, 0.5)), cold(one_step(0.5, 0.5)), without(one_step(1.0, 0.0));
    for (Ppo* ppo : {&warm, &cold, &without}) { ppo->run(); }
    EXPECT_EQ(warm.curve("policy/ptx_loss"), cold.curve("policy/ptx_loss"));
    EXPECT_EQ(warm.curve("policy/loss_avg"), without.curve("policy/loss_avg"));
    EXPECT_NE(warm.policy(), without.policy());
    auto const tokens = [](Ppo const& ppo) { return store::read_manifest(ppo.stage())->costs.at("tokens/policy"); };
    EXPECT_EQ(tokens(warm) - tokens(without), 12.0 * 32.0);  // a window an episode of the minibatch
}

TEST(Ppo, TextMixedInIsLearnt) {
    auto const mixed = [](double coefficient) {
        return [=](config::RlhfConfig& c) {
            c.updates = 20;
            c.optimizer.learning_rate = 2e-3;
            c.ptx_coef = coefficient;
        };
    };
    Ppo more(mixed(5.0)), less(mixed(1e-9));
    more.run();
    less.run();
    EXPECT_LT(more.curve("policy/ptx_loss").back(), less.curve("policy/ptx_loss").back() - 0.02);
}

// What feedback stored as gold is what PPO gets, end token or not.
TEST(EpisodeScore, GoldIsTheExactReward) {
    Ppo ppo([](config::RlhfConfig& c) { c.reward = "gold"; });
    StageHost const host = host_of(ppo.folder.path());
    Context const context(ppo.spec, host);
    auto const feedback = load_feedback(context.input("feedback"));
    std::vector<PromptRow const*> asked;
    std::vector<data::Example> examples;
    std::vector<model::Completion> completions;
    std::vector<double> gold;
    bool some_not_ended = false;
    for (auto const& row : feedback.completions) {
        asked.push_back(&feedback.prompts[static_cast<std::size_t>(row.prompt)]);
        bool const ended = row.tokens.back() == data::end_token;
        some_not_ended = some_not_ended || !ended;
        examples.push_back({asked.back()->tokens, row.tokens});
        completions.push_back({row.tokens, {}, ended});
        gold.push_back(row.gold);
    }
    EXPECT_TRUE(some_not_ended);
    EXPECT_EQ(EpisodeScore(context).of(asked, examples, completions), gold);
}

TEST(EpisodeScore, AMissingEndReplacesOrCosts) {
    auto const scored = [](char const* rule) {
        Ppo ppo([&](config::RlhfConfig& c) {
            c.missing_end = rule;
            c.missing_end_score = -7.0;
            c.missing_end_penalty = 0.75;
        });
        StageHost const host = host_of(ppo.folder.path());
        Context const context(ppo.spec, host);
        auto const feedback = load_feedback(context.input("feedback"));
        auto const example = example_of(feedback, 0, 0);
        std::vector<PromptRow const*> const asked(2, &feedback.prompts[0]);
        return EpisodeScore(context).of(asked, {example, example},
                                        {{example.completion, {}, true}, {example.completion, {}, false}});
    };
    auto const replaced = scored("replace"), reduced = scored("subtract");
    EXPECT_EQ(replaced[0], reduced[0]);
    EXPECT_EQ(replaced[1], -7.0);
    EXPECT_EQ(reduced[1], reduced[0] - 0.75);
}

}  // namespace
}  // namespace alignsweep::stages
