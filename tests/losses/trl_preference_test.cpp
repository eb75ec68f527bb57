// SPDX-License-Identifier: Apache-2.0
// Agreement with TRL 1.16's DPOTrainer, CPOTrainer (SimPO), ORPOTrainer and KTOTrainer (golden/trl.h5).
//
// What we follow where TRL is alone or differs (pair_losses.cpp says why):
// - ipo and sigmoid_norm: means over completion tokens, as TRL.
// - label smoothing: TRL's `robust` is our rdpo. Its sigmoid loss leaves label_smoothing unread; the cDPO compared here
//   is its aot_unpaired loss of one pair at a time, which is the same formula.
// - orpo: our likelihood term leaves the prompt out, TRL's does not; the prompts of this case have one token, so that
//   there is nothing to leave out.
// - kto: z0 is one mean over the step, held at 0 from below, as TRL. The mismatched completions are data: TRL rotates a
//   batch's completions by one, which can pair a prompt with its own answer; ours come with the feedback, from another
//   prompt. The case has those that TRL made.
#include "losses/golden_model.hpp"
#include "losses/helpers.hpp"
#include "losses/preference.hpp"

namespace alignsweep::losses::testing {
namespace {

std::string group_of(PairLossRow const& row) { return "pairs/" + (row.name == "rdpo" ? "robust" : row.name); }

PairLossRule rule_of(PairLossRow const& row, test::GoldenFile const& file) {
    PairLossRule rule{&row};
    for (PairLossKey const& key : pair_loss_keys()) {
        bool const read = key.is_read_by(row);
        rule.*key.value = read ? file.attribute(group_of(row), key.name) : 0.0;
    }
    return rule;
}

// Pairs with our own reference log-probabilities.
template <class Scalar>
std::vector<Pair> with_reference(test::GoldenFile const& file, std::vector<data::Example> const& chosen,
                                 std::vector<data::Example> const& rejected) {
    GoldenModel<Scalar> reference(file, "weights/reference");
    auto const of_chosen = reference.logprobs(chosen), of_rejected = reference.logprobs(rejected);
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        pairs.push_back({chosen[i], rejected[i], of_chosen[i], of_rejected[i]});
    }
    return pairs;
}

// The file's.
template <class Scalar>
std::vector<Pair> pairs_of(test::GoldenFile const& file) {
    auto const pairs = with_reference<Scalar>(file, examples(file, "pairs/prompt", "pairs/chosen"),
                                              examples(file, "pairs/prompt", "pairs/rejected"));
    Numbers of_chosen, of_rejected;
    for (Pair const& pair : pairs) {
        of_chosen.push_back(pair.chosen_reference);
        of_rejected.push_back(pair.rejected_reference);
    }
    expect_same<Scalar>(of_chosen, file.read("pairs/ref_chosen_logps").values, "reference of the chosen");
    expect_same<Scalar>(of_rejected, file.read("pairs/ref_rejected_logps").values, "reference of the rejected");
    return pairs;
}

// Completions of their first token and, where there is more, the end.
template <class Scalar>
std::vector<Pair> with_short_completions(test::GoldenFile const& file, std::vector<Pair> const& pairs) {
    auto const cut = [](data::Example example) {
        auto& tokens = example.completion;
        if (tokens.size() > 1) { tokens = {tokens.front(), tokens.back()}; }
        return example;
    };
    std::vector<data::Example> chosen, rejected;
    for (Pair const& pair : pairs) {
        chosen.push_back(cut(pair.chosen));
        rejected.push_back(cut(pair.rejected));
    }
    return with_reference<Scalar>(file, chosen, rejected);
}

std::vector<Pair> with_short_prompts(std::vector<Pair> pairs) {
    for (Pair& pair : pairs) {
        for (data::Example* example : {&pair.chosen, &pair.rejected}) { example->prompt = {example->prompt.back()}; }
    }
    return pairs;
}

template <class Scalar>
void expect_pairs(test::GoldenFile const& file, std::vector<Pair> const& pairs, PairLossRule const& rule,
                  std::string const& group) {
    GoldenModel<Scalar> model(file, "weights/policy");
    PairLoss objective(pairs, rule);
    auto const result = model.step(objective);
    auto const golden = [&](std::string const& key) { return file.read(group + "/" + key).values; };
    expect_same<Scalar>(result.per_example("rewards/chosen"), golden("chosen_rewards"), group + " chosen rewards");
    expect_same<Scalar>(result.per_example("rewards/rejected"), golden("rejected_rewards"),
                        group + " rejected rewards");
    expect_same<Scalar>(result.metrics.at("loss"), file.attribute(group, "loss"), group + " loss");
    model.expect_gradient(result.gradient, group + "/gradient");
    // Of each pair as a step by itself, as ORPO's likelihood depends on the step's other pairs; where that is what the
    // loss is about, within the step.
    if (rule.row->matched != nullptr) {
        expect_same<Scalar>(result.per_example("loss"), golden("losses"), group + " losses");
        return;
    }
    Numbers losses;
    for (Pair const& pair : pairs) {
        PairLoss alone(std::span(&pair, 1), rule);
        losses.push_back(model.step(alone).metrics.at("loss"));
    }
    expect_same<Scalar>(losses, golden("losses"), group + " losses");
}

template <class Scalar>
void pair_losses_agree() {
    test::GoldenFile const file("trl.h5");
    auto const pairs = pairs_of<Scalar>(file);
    for (PairLossRow const& row : pair_losses()) {
        auto const cut = row.name == "orpo"       ? with_short_prompts(pairs)
                         : row.matched != nullptr ? with_short_completions<Scalar>(file, pairs)
                                                  : pairs;
        expect_pairs<Scalar>(file, cut, rule_of(row, file), group_of(row));
    }
    GoldenModel<Scalar> policy(file, "weights/policy");
    PairLoss objective(pairs, {});
    auto const result = policy.step(objective);
    expect_same<Scalar>(result.per_example("logps/chosen"), file.read("pairs/chosen_logps").values, "chosen");
    expect_same<Scalar>(result.per_example("logps/rejected"), file.read("pairs/rejected_logps").values, "rejected");
}

// A label that holds with probability 1 - e is cDPO with smoothing e.
template <class Scalar>
void soft_labels_are_cdpo() {
    test::GoldenFile const file("trl.h5");
    auto pairs = pairs_of<Scalar>(file);
    for (Pair& pair : pairs) { pair.probability = 1.0 - file.attribute("pairs/cdpo", "label_smoothing"); }
    expect_pairs<Scalar>(file, pairs, {&pair_loss_row("sigmoid"), file.attribute("pairs/cdpo", "beta"), 0.0, 0.0},
                         "pairs/cdpo");
}

// The thumbs with reference log-probabilities of the model at `reference`.
template <class Scalar>
std::vector<Thumb> thumbs_of(test::GoldenFile const& file, std::string const& reference) {
    auto const answers = examples(file, "thumbs/prompt", "thumbs/completion");
    auto const mismatched = examples(file, "thumbs/prompt", "thumbs/mismatched");
    auto const desirable = file.read_ints("thumbs/desirable");
    GoldenModel<Scalar> model(file, reference);
    auto const of_answers = model.logprobs(answers), of_mismatched = model.logprobs(mismatched);
    std::vector<Thumb> thumbs;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        thumbs.push_back({answers[i], desirable[i] != 0, of_answers[i], mismatched[i], of_mismatched[i]});
    }
    return thumbs;
}

// One metric of each thumb, which bears the name of its class.
Numbers by_class(StepResult const& result, std::vector<Thumb> const& thumbs, std::string const& metric) {
    Numbers values;
    for (std::size_t i = 0; i < thumbs.size(); ++i) {
        values.push_back(result.of_example[i].at(metric + (thumbs[i].desirable ? "/chosen" : "/rejected")));
    }
    return values;
}

// `kto_clamped`: policy and reference change places, so that the estimate of z0 is negative.
template <class Scalar>
void thumb_losses_agree() {
    test::GoldenFile const file("trl.h5");
    for (std::string const name : {"kto", "kto_clamped", "apo_zero_unpaired"}) {
        std::string const group = "thumbs/" + name;
        auto const setting = [&](char const* key) { return file.attribute(group, key); };
        auto const golden = [&](std::string const& key) { return file.read(group + "/" + key).values; };
        bool const swapped = setting("policy_is_reference") != 0.0, has_z0 = name != "apo_zero_unpaired";
        std::string const policy = swapped ? "weights/reference" : "weights/policy";
        auto const thumbs = thumbs_of<Scalar>(file, swapped ? "weights/policy" : "weights/reference");
        ThumbLoss objective(thumbs, {&thumb_loss_row(has_z0 ? "kto" : "apo_zero_unpaired"), setting("beta"),
                                     setting("desirable_weight"), setting("undesirable_weight")});
        GoldenModel<Scalar> model(file, policy);
        auto const result = model.step(objective);
        expect_same<Scalar>(by_class(result, thumbs, "logps"), golden("logps"), group + " logps");
        expect_same<Scalar>(by_class(result, thumbs, "rewards"), golden("rewards"), group + " rewards");
        expect_same<Scalar>(result.per_example("loss"), golden("losses"), group + " losses");
        expect_same<Scalar>(result.metrics.at("loss"), setting("loss"), group + " loss");
        model.expect_gradient(result.gradient, group + "/gradient");
        if (!has_z0) { continue; }
        std::vector<data::Example> mismatched;
        Numbers references;
        for (Thumb const& thumb : thumbs) {
            mismatched.push_back(thumb.mismatched);
            references.push_back(thumb.mismatched_reference);
        }
        expect_same<Scalar>(model.logprobs(mismatched), golden("mismatched_logps"), group + " mismatched");
        expect_same<Scalar>(references, golden("mismatched_reference_logps"), group + " mismatched reference");
        expect_same<Scalar>(result.metrics.at("kl"), setting("kl"), group + " kl");
    }
}

ALIGNSWEEP_TEST_SCALARS(TrlPreference, Pairs, pair_losses_agree)
ALIGNSWEEP_TEST_SCALARS(TrlPreference, SoftLabels, soft_labels_are_cdpo)
ALIGNSWEEP_TEST_SCALARS(TrlPreference, Thumbs, thumb_losses_agree)

}  // namespace
}  // namespace alignsweep::losses::testing
