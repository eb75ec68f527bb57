// SPDX-License-Identifier: Apache-2.0
// The variants of the rlhf stage: each runs, resumes to the same bytes, and does what it says.
#include "kinds/ppo.hpp"
#include "kinds/rlhf.hpp"
#include "store/manifest.hpp"

namespace alignsweep::kinds {
namespace {

using testing::digests_of;
using testing::host_of;
using testing::largest_difference;
using testing::Ppo;
using testing::sft_weights;

using Change = void (*)(RlhfConfig&);

struct Variant {
    char const* name;
    Change change;
};
void PrintTo(Variant const& variant, std::ostream* out) { *out << variant.name; }

std::vector<Variant> const variants{
    {"gold", [](RlhfConfig& c) { c.reward = EpisodeReward::gold; }},
    {"adaptive",
     [](RlhfConfig& c) {
         c.kl_control = KlControl::adaptive;
         c.kl_horizon = 60.0;
     }},
    {"annealed", [](RlhfConfig& c) { c.kl_control = KlControl::annealed; }},
    {"shared", [](RlhfConfig& c) { c.value_model = ValueModel::shared; }},
    {"subtract",
     [](RlhfConfig& c) {
         c.missing_end = MissingEnd::subtract;
         c.missing_end_penalty = 0.5;
     }},
    {"ptx", [](RlhfConfig& c) { c.ptx_coef = 0.5; }},
    {"k3", [](RlhfConfig& c) { c.kl_estimator = losses::KlEstimator::k3; }},
    {"all",
     [](RlhfConfig& c) {
         c.reward = EpisodeReward::gold;
         c.kl_control = KlControl::adaptive;
         c.kl_horizon = 60.0;
         c.value_model = ValueModel::shared;
         c.ptx_coef = 0.5;
         c.kl_estimator = losses::KlEstimator::k3;
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
    auto const policy = infer::load_stored_model(ppo.stage());
    EXPECT_FALSE(policy.weights.shape.scalar_head);
    EXPECT_GT(largest_difference(model::to_host(policy.weights), sft_weights()), 1e-5);
    EXPECT_TRUE(policy.state.contains("beta"));
    EXPECT_TRUE(infer::load_value_model(ppo.stage()).shape.scalar_head);
    auto const loss = ppo.curve("loss");
    ASSERT_EQ(loss.size(), 6U);
    for (std::size_t u = 2; u < 6; ++u) { EXPECT_TRUE(std::isfinite(loss[u])); }
    auto const& config = ppo.spec.config.get<RlhfConfig>();
    auto const costs = store::read_manifest(ppo.stage())->costs;
    EXPECT_EQ(costs.contains("tokens/value"), config.value_model == ValueModel::own);
    EXPECT_EQ(costs.contains("tokens/reward_model"), config.reward == EpisodeReward::proxy);
}

INSTANTIATE_TEST_SUITE_P(Variants, PpoVariant, ::testing::ValuesIn(variants),
                         [](auto const& info) { return std::string(info.param.name); });

// The world, the new head's seed and the windows' length count where they are read, and only there.
TEST(PpoVariants, AKeyHoldsWhatTheVariantReads) {
    auto const changes = [](Change variant) {
        auto const key = [&](auto const& change) {
            auto config = testing::tiny_config();
            variant(config.edit<RlhfConfig>());
            change(config);
            return make_stage("rlhf", config, 3, {}).key;
        };
        std::string const now = key([](config::Config&) {});
        return std::vector<bool>{key([](config::Config& c) { c.edit<config::WorldConfig>().names = 7; }) != now,
                                 key([](config::Config& c) { c.edit<config::SeedConfig>().world = 9; }) != now,
                                 key([](config::Config& c) { c.edit<config::SeedConfig>().model = 9; }) != now,
                                 key([](config::Config& c) { c.edit<PretrainConfig>().length = 17; }) != now};
    };
    using Changes = std::vector<bool>;
    EXPECT_EQ(changes([](RlhfConfig&) {}), (Changes{false, false, false, false}));
    EXPECT_EQ(changes([](RlhfConfig& c) { c.reward = EpisodeReward::gold; }), (Changes{true, true, true, false}));
    EXPECT_EQ(changes([](RlhfConfig& c) { c.value_model = ValueModel::shared; }), (Changes{false, false, true, false}));
    EXPECT_EQ(changes([](RlhfConfig& c) { c.ptx_coef = 0.1; }), (Changes{false, false, false, true}));
}

TEST(Ppo, TextIsReadAtTemperatureOneAndPaidFor) {
    auto const one_step = [](double temperature, double coefficient) {
        return [=](RlhfConfig& c) {
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
        return [=](RlhfConfig& c) {
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

// Traps: a reference that is the policy, a KL reported that is not the one penalised, whitening episode by episode.
TEST(PpoEpisodes, LoseTheReportedKlAndAreWhitenedTogether) {
    Ppo ppo([](RlhfConfig& c) { c.temperature = 0.7; });
    stages::StageHost const host = host_of(ppo.folder.path());
    stages::Context context(ppo.spec, host);
    auto const& life = testing::finished_life();
    infer::Weights const sft = infer::load_model(life.of("sft")), value = infer::load_model(life.of("reward_model"));
    infer::Weights policy(sft.shape);
    model::initialise(policy, 9, 0.02, 0.02);  // far from the reference
    infer::Transformer runner(sft.shape), value_runner(value.shape);
    PpoEpisodes episodes(context);
    std::map<std::string, double> metrics;
    double const coefficient = 0.3;  // not that of the configuration
    auto const rollout = episodes.draw(0, {runner, policy, sft, value_runner, value}, {coefficient, 1.0}, metrics);
    auto const list = infer::pointers(rollout.examples);
    auto const reference = infer::token_logprobs(runner, sft, list, 0.7, data::TargetKind::completion, 4);
    double kl = 0.0, sum = 0.0, squares = 0.0, count = 0.0, scores = 0.0;
    std::vector<double> advantages, whitened;
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto const& episode = rollout.episodes[i];
        EXPECT_EQ(episode.reference_logprob, reference[i]);
        double to_come = episode.score;  // gamma and lambda are 1
        scores += episode.score;
        for (std::size_t t = reference[i].size(); t-- > 0;) {
            double const k1 = episode.logprob[t] - reference[i][t];
            kl += k1;
            to_come -= coefficient * k1;
            EXPECT_NEAR(episode.returns[t], to_come, 1e-6);
            advantages.push_back(to_come - episode.value[t]);
            whitened.push_back(episode.advantage[t]);
        }
    }
    double const number = static_cast<double>(list.size());
    EXPECT_GT(kl / number, 0.01);
    EXPECT_NEAR(metrics.at("objective/kl"), kl / number, 1e-9);
    EXPECT_NEAR(metrics.at("objective/rlhf_reward"), (scores - coefficient * kl) / number, 1e-9);
    count = static_cast<double>(advantages.size());
    for (double const advantage : advantages) { sum += advantage; }
    for (double const advantage : advantages) { squares += (advantage - sum / count) * (advantage - sum / count); }
    for (std::size_t t = 0; t < advantages.size(); ++t) {
        EXPECT_NEAR(whitened[t], (advantages[t] - sum / count) / std::sqrt(squares / (count - 1.0) + 1e-8), 1e-5);
    }
}

// What feedback stored as gold is what PPO gets, end token or not.
TEST(EpisodeScore, GoldIsTheExactReward) {
    Ppo ppo([](RlhfConfig& c) { c.reward = EpisodeReward::gold; });
    stages::StageHost const host = host_of(ppo.folder.path());
    stages::Context context(ppo.spec, host);
    auto const feedback = stages::load_feedback(context.input("feedback"));
    std::vector<stages::PromptRow const*> asked;
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
    auto const scored = [](MissingEnd rule) {
        Ppo ppo([&](RlhfConfig& c) {
            c.missing_end = rule;
            c.missing_end_score = -7.0;
            c.missing_end_penalty = 0.75;
        });
        stages::StageHost const host = host_of(ppo.folder.path());
        stages::Context context(ppo.spec, host);
        auto const feedback = stages::load_feedback(context.input("feedback"));
        auto const example = stages::example_of(feedback, 0, 0);
        std::vector<stages::PromptRow const*> const asked(2, &feedback.prompts[0]);
        return EpisodeScore(context).of(asked, {example, example},
                                        {{example.completion, {}, true}, {example.completion, {}, false}});
    };
    auto const replaced = scored(MissingEnd::replace), reduced = scored(MissingEnd::subtract);
    EXPECT_EQ(replaced[0], reduced[0]);
    EXPECT_EQ(replaced[1], -7.0);
    EXPECT_EQ(reduced[1], reduced[0] - 0.75);
}

}  // namespace
}  // namespace alignsweep::kinds
