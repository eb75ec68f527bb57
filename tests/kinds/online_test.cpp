// SPDX-License-Identifier: Apache-2.0
// online_dpo and online_kto. That a stopped run leaves the same bytes, resume_test.cpp checks for all that trains.
#include "config/values.hpp"
#include "sources/labels.hpp"

#include "data/order.hpp"
#include "infer/sampling.hpp"
#include "stages/artifacts.hpp"
#include "store/manifest.hpp"
#include "store/metrics.hpp"
#include "support/tiny.hpp"

#include <cmath>

namespace alignsweep::kinds {
namespace {

using testing::finished_life;
using testing::TemporaryFolder;

store::MetricStream curves_of(char const* kind) {
    return store::MetricStream::load(finished_life().of(kind) / "metrics.h5");
}

// In its first round the policy is the reference: no reward is implied yet.
TEST(Online, BeginsAtTheReference) {
    EXPECT_NEAR(curves_of("online_dpo").column("loss").front(), std::log(2.0), 1e-6);
    EXPECT_NEAR(curves_of("online_dpo").column("rewards/margins").front(), 0.0, 1e-5);
    EXPECT_NEAR(curves_of("online_kto").column("loss").front(), 0.5, 1e-5);
    EXPECT_NEAR(curves_of("online_kto").column("kl").front(), 0.0, 1e-4);
}

TEST(Online, EachRoundSamplesAnewFromThePolicyAndMovesIt) {
    for (char const* kind : {"online_dpo", "online_kto"}) {
        auto const curves = curves_of(kind);
        EXPECT_EQ(curves.column("episode"), (std::vector<double>{18, 36, 54, 72})) << kind;
        auto const tokens = curves.column("num_tokens");
        for (std::size_t i = 1; i < tokens.size(); ++i) { EXPECT_GT(tokens[i], tokens[i - 1]) << kind; }
        EXPECT_NE(curves.column("loss").back(), curves.column("loss").front()) << kind;
        auto const costs = store::read_manifest(finished_life().of(kind))->costs;
        // Answers are sampled (forward), then trained on; the reward model reads each once.
        EXPECT_EQ(costs.at("tokens/reward_model"), tokens.back());
        EXPECT_GT(costs.at("tokens/policy"), tokens.back());
        EXPECT_GT(costs.at("tokens/reference"), 0.0);
        EXPECT_EQ(costs.count("labels/policy"), 0U);
    }
}

// z0 compares like with like, or it would begin above 0 for some of the samples.
TEST(Online, Z0BeginsAtZeroWhateverIsSampled) {
    auto config = finished_life().config;
    config.edit<OnlineKtoConfig>().online.updates = 1;
    for (config::Int const seed : {1, 2, 3, 4, 5, 6}) {
        config.edit<config::SeedConfig>().rollout = seed;
        TemporaryFolder folder;
        finished_life().copy_inputs("online_kto", folder.path());
        auto const spec = make_stage("online_kto", config, 3, finished_life().specs.at("online_kto").inputs);
        execute(spec, testing::host_of(folder.path()));
        auto const curves = store::MetricStream::load(folder.path() / spec.id() / "metrics.h5");
        EXPECT_NEAR(curves.column("kl").at(0), 0.0, 1e-4) << seed;
    }
}

// The first round again, from its streams: what the judge prefers is the chosen (desirable) answer, the other is not.
TEST(Online, TheJudgesChoiceIsTheChosenAnswer) {
    auto const& life = finished_life();
    auto const feedback = stages::load_feedback(life.of("feedback"));
    infer::Weights const sft = infer::load_model(life.of("sft"));
    infer::Transformer transformer(sft.shape);
    for (std::string const kind : {"online_dpo", "online_kto"}) {
        auto const host = testing::host_of(life.folder.path());
        stages::Context context(life.specs.at(kind), host);
        auto const& config = life.specs.at(kind).config.get<OnlineDpoConfig>().online;
        auto const stream = [&](char const* purpose) {
            return context.stream(&config::SeedConfig::rollout, kind + "/" + purpose);
        };
        auto const order = data::epoch_order(static_cast<std::int64_t>(feedback.prompts.size()), stream("prompts"), 0);
        std::vector<sources::Duel> duels;
        std::vector<stages::Tokens> asked;
        for (std::size_t i = 0; i < static_cast<std::size_t>(config.prompts); ++i) {
            duels.push_back({&feedback.prompts[static_cast<std::size_t>(order[i])], {}});
            asked.push_back(duels.back().prompt->tokens);
        }
        for (std::uint32_t which = 0; which < 2; ++which) {
            infer::SamplingPlan const plan{stream("samples"), which, config.temperature, config.max_new_tokens};
            auto const answers = infer::sample(transformer, sft, asked, plan, 4);
            for (std::size_t i = 0; i < answers.size(); ++i) { duels[i].answers[which] = answers[i]; }
        }
        auto const verdicts = sources::OnlineJudge(context, config.judge).judge(duels, 0).verdicts;
        double chosen = 0.0, rejected = 0.0, count = 0.0;
        for (std::size_t i = 0; i < duels.size(); ++i) {
            auto const& [first, second] = duels[i].answers;
            if (verdicts[i].undecided || first.tokens == second.tokens) { continue; }
            std::vector<data::Example> const both{{asked[i], first.tokens}, {asked[i], second.tokens}};
            auto const logps = infer::sequence_logprobs(transformer, sft, infer::pointers(both), 4);
            chosen += logps[verdicts[i].chose_first ? 0 : 1];
            rejected += logps[verdicts[i].chose_first ? 1 : 0];
            count += 1.0;
        }
        ASSERT_GT(std::abs(chosen - rejected), 0.1 * count) << kind;
        EXPECT_NEAR(curves_of(kind.c_str()).column("logps/chosen").front(), chosen / count, 1e-3) << kind;
        EXPECT_NEAR(curves_of(kind.c_str()).column("logps/rejected").front(), rejected / count, 1e-3) << kind;
    }
}

class Judges : public ::testing::Test {
protected:
    Judges() : spec_(finished_life().specs.at("online_dpo")) {
        spec_.inputs["corpus"] = finished_life().specs.at("corpus").id();
        feedback_ = stages::load_feedback(finished_life().of("feedback"));
        for (std::size_t i = 0; i < feedback_.prompts.size(); ++i) {
            sources::Duel duel{&feedback_.prompts[i], {}};
            for (std::size_t k = 0; k < 2; ++k) {
                auto const& tokens = feedback_.completions[2 * i + k].tokens;
                duel.answers[k] = {tokens, {}, !tokens.empty() && tokens.back() == data::end_token};
            }
            duels_.push_back(duel);
        }
    }
    sources::OnlineJudge::Judgement judged(std::string const& judge, std::int64_t first = 0) {
        config::assign(spec_.config, "online_dpo", "judge", judge, config::Entry{});
        auto const host = testing::host_of(finished_life().folder.path());
        stages::Context context(spec_, host);
        return sources::OnlineJudge(context, spec_.config.get<OnlineDpoConfig>().online.judge).judge(duels_, first);
    }
    [[nodiscard]] double gold(std::size_t i, std::size_t k) const { return feedback_.completions[2 * i + k].gold; }

    stages::StageSpec spec_;
    stages::FeedbackData feedback_;
    std::vector<sources::Duel> duels_;
};

TEST_F(Judges, GoldNamesTheBetterAnswerAndSaysWhereThereIsNone) {
    auto const [all, rewards] = judged("gold");
    int undecided = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(rewards[i][0], gold(i, 0));
        EXPECT_EQ(all[i].undecided, gold(i, 0) == gold(i, 1));
        if (!all[i].undecided) { EXPECT_EQ(all[i].chose_first, gold(i, 0) > gold(i, 1)); }
        undecided += all[i].undecided ? 1 : 0;
    }
    EXPECT_LT(undecided, static_cast<int>(all.size()));
}

TEST_F(Judges, TheRewardModelNamesTheHigherScore) {
    auto const all = judged("reward_model").verdicts;
    infer::Reward reward(finished_life().of("reward_model"), 4);
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::array<data::Example, 2> const examples{
            data::Example{duels_[i].prompt->tokens, duels_[i].answers[0].tokens},
            data::Example{duels_[i].prompt->tokens, duels_[i].answers[1].tokens}};
        auto const scores = reward.score(infer::pointers(examples));
        if (std::abs(scores[0] - scores[1]) < 1e-4) { continue; }  // chunks differ, so last bits may
        EXPECT_EQ(all[i].chose_first, scores[0] > scores[1]);
    }
}

TEST_F(Judges, PeopleWithoutNoiseOrTastesFollowGoldAndOthersChooseAnewEachRound) {
    auto& people = spec_.config.edit<sources::FeedbackConfig>().people;
    people.weight_spread = people.choice_temperature = people.flip = people.position_bias = 0.0;
    auto const exact = judged("annotators").verdicts;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        if (gold(i, 0) != gold(i, 1)) { EXPECT_EQ(exact[i].chose_first, gold(i, 0) > gold(i, 1)); }
    }
    people.choice_temperature = 5.0;
    auto const choices = [&](std::int64_t first) {
        std::vector<bool> all;
        for (auto const& verdict : judged("annotators", first).verdicts) { all.push_back(verdict.chose_first); }
        return all;
    };
    EXPECT_EQ(choices(0), choices(0));
    EXPECT_NE(choices(0), choices(static_cast<std::int64_t>(duels_.size())));
}

TEST(Online, EveryJudgeTrains) {
    for (std::string const kind : {"online_dpo", "online_kto"}) {
        for (std::string const judge : {"gold", "annotators"}) {
            auto config = finished_life().config;
            config::assign(config, kind, "judge", judge, config::Entry{});
            TemporaryFolder folder;
            finished_life().copy_inputs("feedback", folder.path());
            finished_life().copy_inputs(kind, folder.path());
            auto inputs = finished_life().specs.at(kind).inputs;
            inputs.erase("reward_model");
            inputs["corpus"] = finished_life().specs.at("corpus").id();
            auto const spec = make_stage(kind, config, 3, inputs);
            execute(spec, testing::host_of(folder.path()));
            auto const costs = store::read_manifest(folder.path() / spec.id())->costs;
            EXPECT_GT(costs.at("labels/policy"), 0.0) << kind << ' ' << judge;
            EXPECT_EQ(costs.count("tokens/reward_model"), 0U);
        }
    }
}

// One prompt, asked again and again: KTO has no other to compare with, and DPO needs none.
TEST(Online, ARoundWithoutAnythingToLearnFromPasses) {
    auto config = finished_life().config;
    config.edit<OnlineDpoConfig>().online.temperature = config.edit<OnlineKtoConfig>().online.temperature =
        1e-6;  // both answers are equal
    for (std::string const kind : {"online_dpo", "online_kto"}) {
        TemporaryFolder folder;
        finished_life().copy_inputs(kind, folder.path());
        auto const spec = make_stage(kind, config, 3, finished_life().specs.at(kind).inputs);
        execute(spec, testing::host_of(folder.path()));
        auto const curves = store::MetricStream::load(folder.path() / spec.id() / "metrics.h5");
        EXPECT_EQ(curves.column("objective/undecided"), (std::vector<double>{1, 1, 1, 1}));
    }
}

}  // namespace
}  // namespace alignsweep::kinds
