// SPDX-License-Identifier: Apache-2.0
// Agreement with PPOTrainer of TRL 1.9, the last that has one (golden/ppo.h5): the rollout's log-probabilities, values
// and scores, advantages and returns, and both losses in the second epoch, when both clips bite.
//
// Where we part from TRL: a completion that ends before the longest possible gets its score at its last token here
// (Ziegler et al., arXiv:1909.08593), so the value after the end is 0 by definition. TRL puts the score into the slot
// after the last token and learns a value there. With that slot as one more token without KL, our functions give
// TRL's numbers; at completions of full length there is no slot and nothing to differ in.
#include "losses/golden_model.hpp"
#include "losses/ppo.hpp"

namespace alignsweep::losses::testing {
namespace {

constexpr std::int32_t slot_token = 0;  // what stands in TRL's slot: padding

// One of the file's two rollouts: `full` without slots, `ended` with some.
struct RolloutCase {
    test::GoldenFile const& file;
    std::string name;
    std::vector<data::Example> sequences = examples(file, name + "/prompt", name + "/completion");

    [[nodiscard]] double setting(std::string const& key) const { return file.attribute(name, key); }
    [[nodiscard]] Numbers read(std::string const& key) const { return file.read(name + "/" + key).values; }
    [[nodiscard]] bool has_slot(data::Example const& example) const {
        return example.completion.size() < static_cast<std::size_t>(setting("response_length"));
    }
    [[nodiscard]] std::vector<data::Example> with_slots() const {
        auto result = sequences;
        for (data::Example& example : result) {
            if (has_slot(example)) { example.completion.push_back(slot_token); }
        }
        return result;
    }
    // Scores as they enter the reward: TRL subtracts a penalty where the end token is missing.
    [[nodiscard]] Numbers penalised(Numbers scores) const {
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            constexpr std::int32_t end_token = 1;
            if (sequences[i].completion.back() != end_token) { scores[i] -= setting("missing_eos_penalty"); }
        }
        return scores;
    }
};

Numbers joined(std::vector<Numbers> const& parts) {
    Numbers result;
    for (Numbers const& one : parts) { result.insert(result.end(), one.begin(), one.end()); }
    return result;
}

// The rollout, with one more token a slot, as our models and ppo.hpp see it.
template <class Scalar>
Rollout rollout_of(RolloutCase const& golden) {
    double const temperature = golden.setting("temperature");
    GoldenModel<Scalar> policy(golden.file, "weights/policy"), reference(golden.file, "weights/reference");
    GoldenModel<Scalar> value(golden.file, "weights/value", true), reward(golden.file, "weights/reward", true);
    auto const logprobs = policy.token_logprobs(golden.sequences, temperature);
    auto const references = reference.token_logprobs(golden.sequences, temperature);
    auto const scores = golden.penalised(reward.scores(golden.sequences));
    Rollout rollout{golden.with_slots(), {}};
    auto const values = value.token_values(rollout.examples);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        Episode episode{logprobs[i], references[i], values[i], scores[i], {}, {}};
        episode.logprob.resize(values[i].size());  // 0 in the slot, so its KL is 0, too
        episode.reference_logprob.resize(values[i].size());
        estimate_advantages(episode, golden.setting("kl_coef"),
                            golden.setting("k3") != 0.0 ? KlEstimator::k3 : KlEstimator::k1, golden.setting("gamma"),
                            golden.setting("lambda"));
        rollout.episodes.push_back(episode);
    }
    expect_same<Scalar>(joined(logprobs), golden.read("logprobs"), golden.name + " logprobs");
    expect_same<Scalar>(joined(references), golden.read("reference_logprobs"), golden.name + " reference_logprobs");
    expect_same<Scalar>(joined(values), golden.read("values"), golden.name + " values");
    expect_same<Scalar>(scores, golden.read("scores"), golden.name + " scores");
    return rollout;
}

// The same without the slots.
Rollout without_slots(RolloutCase const& golden, Rollout rollout) {
    rollout.examples = golden.sequences;
    for (std::size_t i = 0; i < rollout.examples.size(); ++i) {
        std::size_t const length = rollout.examples[i].completion.size();
        Episode& episode = rollout.episodes[i];
        for (auto* values :
             {&episode.logprob, &episode.reference_logprob, &episode.value, &episode.advantage, &episode.returns}) {
            values->resize(length);
        }
    }
    return rollout;
}

Numbers collected(Rollout const& rollout, std::vector<double> Episode::*member) {
    std::vector<Numbers> parts;
    for (Episode const& episode : rollout.episodes) { parts.push_back(episode.*member); }
    return joined(parts);
}

template <class Scalar>
void ppo_agrees() {
    test::GoldenFile const file("ppo.h5");
    for (std::string const name : {"full", "ended"}) {
        RolloutCase const golden{file, name};
        Rollout const slotted = rollout_of<Scalar>(golden);
        Rollout rollout = without_slots(golden, slotted);
        expect_same<Scalar>(collected(rollout, &Episode::advantage), golden.read("advantages"), name + " advantages");
        expect_same<Scalar>(collected(slotted, &Episode::returns), golden.read("returns"), name + " returns");
        whiten_advantages(rollout.episodes);  // over the tokens of the whole rollout; TRL leaves its slots out, too
        expect_same<Scalar>(collected(rollout, &Episode::advantage), golden.read("whitened"), name + " whitened");

        PpoPolicyLoss policy(rollout, golden.setting("cliprange"), golden.setting("temperature"));
        GoldenModel<Scalar> policy_model(file, name + "/policy_weights");
        auto const acted = policy_model.step(policy);
        expect_same<Scalar>(acted.metrics.at("policy/loss_avg"), golden.setting("policy_loss"), name + " policy loss");
        expect_same<Scalar>(acted.metrics.at("policy/clipfrac_avg"), golden.setting("policy_clipped"), name);
        expect_same<Scalar>(acted.metrics.at("policy/approxkl_avg"), golden.setting("approxkl"), name + " approxkl");
        expect_same<Scalar>(acted.metrics.at("val/ratio"), golden.setting("ratio"), name + " ratio");
        policy_model.expect_gradient(acted.gradient, name + "/policy_gradient");

        PpoValueLoss value(slotted, golden.setting("cliprange_value"), golden.setting("vf_coef"));
        GoldenModel<Scalar> value_model(file, name + "/value_weights", true);
        auto const valued = value_model.step(value);
        expect_same<Scalar>(valued.metrics.at("val/loss_avg"), golden.setting("value_loss"), name + " value loss");
        expect_same<Scalar>(valued.metrics.at("val/clipfrac_avg"), golden.setting("value_clipped"), name);
        value_model.expect_gradient(valued.gradient, name + "/value_gradient");
    }
}

// Our own placing of the score: the last token's return is its reward, with nothing learnt after the end.
TEST(TrlPpo, ScoreAtTheLastTokenWhereTrlHasASlot) {
    test::GoldenFile const file("ppo.h5");
    RolloutCase const golden{file, "ended"};
    Rollout rollout = without_slots(golden, rollout_of<double>(golden));
    auto const theirs = golden.read("advantages");
    std::size_t at = 0;
    for (std::size_t i = 0; i < rollout.episodes.size(); ++i) {
        Episode& episode = rollout.episodes[i];
        estimate_advantages(episode, golden.setting("kl_coef"), KlEstimator::k3, golden.setting("gamma"),
                            golden.setting("lambda"));
        double const kl = kl_estimate(episode.logprob.back(), episode.reference_logprob.back(), KlEstimator::k3);
        EXPECT_DOUBLE_EQ(episode.returns.back(), episode.score - golden.setting("kl_coef") * kl);
        at += episode.advantage.size();
        bool const same = std::abs(episode.advantage.back() - theirs[at - 1]) < 1e-10;
        EXPECT_EQ(same, !golden.has_slot(golden.sequences[i])) << "response " << i;
    }
}

ALIGNSWEEP_TEST_SCALARS(TrlPpo, RolloutAdvantagesAndLosses, ppo_agrees)

}  // namespace
}  // namespace alignsweep::losses::testing
