// SPDX-License-Identifier: Apache-2.0
// Agreement with TRL 1.16's SFTTrainer and RewardTrainer (golden/trl.h5).
#include "losses/golden_model.hpp"
#include "losses/loss.hpp"
#include "losses/preference.hpp"

namespace alignsweep::losses::testing {
namespace {

// The loss is a mean over the targets of the step, whichever way chunks cut it, in TRL as here.
template <class Scalar>
void sft_agrees() {
    test::GoldenFile const file("trl.h5");
    auto const sequences = examples(file, "pairs/prompt", "pairs/chosen");
    for (bool const full : {false, true}) {
        std::string const group = full ? "sft/full" : "sft/completion";
        CrossEntropy objective(sequences, full ? data::TargetKind::full : data::TargetKind::completion);
        GoldenModel<Scalar> model(file, "weights/policy");
        auto const result = model.step(objective);
        expect_same<Scalar>(result.outputs.logprob, file.read(group + "/logprobs").values, group + " logprobs");
        expect_same<Scalar>(result.metrics.at("loss"), file.attribute(group, "loss"), group + " loss");
        expect_same<Scalar>(result.metrics.at("entropy"), file.attribute(group, "entropy"), group + " entropy");
        model.expect_gradient(result.gradient, group + "/gradient");
    }
}

template <class Scalar>
void reward_model_agrees() {
    test::GoldenFile const file("trl.h5");
    auto const chosen = examples(file, "pairs/prompt", "pairs/chosen");
    auto const rejected = examples(file, "pairs/prompt", "pairs/rejected");
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < chosen.size(); ++i) { pairs.push_back({chosen[i], rejected[i]}); }
    for (std::string const name : {"plain", "margin", "centering"}) {
        std::string const group = "reward_model/" + name;
        RewardLoss objective(pairs, {file.attribute(group, "margin"), file.attribute(group, "centering")});
        GoldenModel<Scalar> model(file, "weights/reward", true);
        auto const result = model.step(objective);
        Numbers of_chosen, of_rejected;
        for (std::size_t i = 0; i < result.outputs.value.size(); ++i) {
            (i % 2 == 0 ? of_chosen : of_rejected).push_back(result.outputs.value[i]);
        }
        expect_same<Scalar>(of_chosen, file.read("reward_model/chosen_rewards").values, group + " chosen");
        expect_same<Scalar>(of_rejected, file.read("reward_model/rejected_rewards").values, group + " rejected");
        expect_same<Scalar>(result.per_example("loss"), file.read(group + "/losses").values, group + " losses");
        expect_same<Scalar>(result.metrics.at("loss"), file.attribute(group, "loss"), group + " loss");
        Numbers ours, theirs;  // TRL's metric margin is called gap in the file, where margin is a setting
        for (std::string const metric : {"accuracy", "margin", "min_reward", "mean_reward", "max_reward"}) {
            ours.push_back(result.metrics.at(metric));
            theirs.push_back(file.attribute("reward_model", metric == "margin" ? "gap" : metric));
        }
        expect_same<Scalar>(ours, theirs, group + " metrics");
        model.expect_gradient(result.gradient, group + "/gradient");
    }
}

ALIGNSWEEP_TEST_SCALARS(TrlSupervised, Sft, sft_agrees)
ALIGNSWEEP_TEST_SCALARS(TrlSupervised, RewardModel, reward_model_agrees)

}  // namespace
}  // namespace alignsweep::losses::testing
