// SPDX-License-Identifier: Apache-2.0
// DPO and its variants through chunks of a step, against their formulas, written out.
#include "losses/preference.hpp"

#include "losses/helpers.hpp"

namespace alignsweep::losses {
namespace {

using namespace testing;

TEST(PairLoss, FormulaAndDerivative) {
    auto const pairs = some_pairs(3);
    ChunkCase const chunk({3, 2, 3, 2, 3, 2}, 2, ValueRows::none);
    double const beta = 0.3;
    PairLoss objective(pairs, {.beta = beta});
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
    auto const loss = [&](std::vector<double> const& logprob) {
        double sum = 0.0;
        for (std::size_t p = 0; p < pairs.size(); ++p) {
            double const delta = (chunk.logp(2 * p, logprob) - pairs[p].chosen_reference) -
                                 (chunk.logp(2 * p + 1, logprob) - pairs[p].rejected_reference);
            sum -= std::log(logistic(beta * delta)) / static_cast<double>(pairs.size());
        }
        return sum;
    };
    expect_derivative(gradients.logprob, chunk.outputs.logprob, loss);
    auto const metrics = sums.values();
    EXPECT_NEAR(metrics.at("loss"), loss(chunk.outputs.logprob), 1e-12);
    double chosen = 0.0, right = 0.0;
    for (std::size_t p = 0; p < 3; ++p) {
        double const ours = beta * (chunk.logp(2 * p) - pairs[p].chosen_reference);
        double const theirs = beta * (chunk.logp(2 * p + 1) - pairs[p].rejected_reference);
        chosen += ours / 3.0;
        right += ours > theirs ? 1.0 / 3.0 : 0.0;
    }
    EXPECT_NEAR(metrics.at("rewards/chosen"), chosen, 1e-12);
    EXPECT_NEAR(metrics.at("rewards/accuracies"), right, 1e-12);
    EXPECT_NEAR(metrics.at("rewards/margins"), metrics.at("rewards/chosen") - metrics.at("rewards/rejected"), 1e-12);
    EXPECT_NEAR(metrics.at("logps/rejected"), (chunk.logp(1) + chunk.logp(3) + chunk.logp(5)) / 3.0, 1e-12);
}

TEST(PairLoss, LossIsLogTwoWhereThePolicyIsTheReference) {
    ChunkCase const chunk({3, 2, 1, 4}, 2, ValueRows::none);
    std::vector<Pair> const pairs{{example_of(1, 3), example_of(1, 2), chunk.logp(0), chunk.logp(1)},
                                  {example_of(1, 1), example_of(1, 4), chunk.logp(2), chunk.logp(3)}};
    PairLoss objective(pairs, {.beta = 0.1});
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    static_cast<void>(objective.backward(chunk.sequences, chunk.outputs, sums));
    auto const metrics = sums.values();
    EXPECT_DOUBLE_EQ(metrics.at("loss"), std::log(2.0));
    for (char const* name : {"rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"}) {
        EXPECT_EQ(metrics.at(name), 0.0) << name;
    }
}

TEST(PairLoss, SwappingTheAnswersNegatesTheMargin) {
    auto pairs = some_pairs(1);
    auto const margin_of = [&](ChunkCase const& chunk) {
        PairLoss objective(pairs, {.beta = 0.2});
        objective.prepare(all_of(objective), {});
        MetricSums sums;
        static_cast<void>(objective.backward(chunk.sequences, chunk.outputs, sums));
        return sums.values().at("rewards/margins");
    };
    ChunkCase chunk({3, 2}, 2, ValueRows::none);
    double const margin = margin_of(chunk);
    ChunkCase swapped({2, 3}, 2, ValueRows::none);
    auto const& from = chunk.outputs.logprob;
    swapped.outputs.logprob = {from[3], from[4], from[0], from[1], from[2]};
    std::swap(pairs[0].chosen_reference, pairs[0].rejected_reference);
    EXPECT_DOUBLE_EQ(margin_of(swapped), -margin);
    EXPECT_NE(margin, 0.0);
}

TEST(PairLoss, HugeMarginsStayFinite) {
    for (double const reference : {-1e4, 1e4}) {
        std::vector<Pair> const pairs{{example_of(1, 1), example_of(1, 1), reference, -reference}};
        ChunkCase const chunk({1, 1}, 2, ValueRows::none);
        PairLoss objective(pairs, {.beta = 1.0});
        objective.prepare(all_of(objective), {});
        MetricSums sums;
        auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
        EXPECT_TRUE(std::isfinite(sums.values().at("loss")));
        EXPECT_NEAR(gradients.logprob[0], reference > 0.0 ? -1.0 : 0.0, 1e-12);
    }
}

TEST(PairLoss, AnEmptyCompletionHasLogProbabilityZero) {
    std::vector<Pair> const pairs{{example_of(2, 0), example_of(2, 2), 0.0, -1.0}};
    ChunkCase const chunk({0, 2}, 2, ValueRows::none);
    PairLoss objective(pairs, {.beta = 0.5});
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
    EXPECT_EQ(gradients.logprob.size(), 2U);
    EXPECT_EQ(sums.values().at("logps/chosen"), 0.0);
    EXPECT_TRUE(std::isfinite(sums.values().at("loss")));
}

// Every loss through chunks: the mean over pairs, its derivative by each token, and a step that is cut in two.
TEST(PairLoss, EveryLossIsAMeanOverTheStepHoweverItIsCut) {
    std::vector<Pair> pairs{{example_of(2, 3), example_of(2, 2), -4.0, -3.0, 1.0},
                            {example_of(2, 1), example_of(2, 6), -1.5, -9.0, 1.0}};
    std::vector<int> const lengths{3, 2, 1, 6};
    for (PairLossRow const& row : pair_losses()) {
        SCOPED_TRACE(row.name);
        bool const matched = row.matched != nullptr;
        if (!row.is(hard_labels)) { pairs[1].probability = 0.8; }
        PairLossRule const rule{&row, 0.4, row.is(reads_smoothing) ? 0.1 : 0.0, 0.3};
        PairLoss objective(pairs, rule);
        ChunkCase const chunk(lengths, 2, ValueRows::none);
        std::vector<double> probes;
        for (std::size_t s = 0; matched && s < lengths.size(); ++s) { probes.push_back(chunk.logp(s)); }
        objective.prepare(all_of(objective), probes);
        MetricSums sums;
        auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
        auto const loss = [&](std::vector<double> const& logprob) {
            std::vector<PairLogprobs> step;
            for (std::size_t p = 0; p < pairs.size(); ++p) {
                PairLogprobs at{chunk.logp(2 * p, logprob), chunk.logp(2 * p + 1, logprob), pairs[p].chosen_reference,
                                pairs[p].rejected_reference};
                at.chosen_tokens = lengths[2 * p];
                at.rejected_tokens = lengths[2 * p + 1];
                at.probability = pairs[p].probability;
                at.likelihood_tokens = 2.0;  // chosen: (3 + 1) tokens in 2 pairs
                step.push_back(at);
            }
            auto const matches = matched ? match_by_rank(row, step) : std::vector<PairMatch>();
            double sum = 0.0;
            for (std::size_t p = 0; p < step.size(); ++p) {
                if (matched) { step[p].match = matches[p]; }
                sum += pair_loss(rule, step[p]).loss / 2.0;
            }
            return sum;
        };
        expect_derivative(gradients.logprob, chunk.outputs.logprob, loss);
        EXPECT_NEAR(sums.values().at("loss"), loss(chunk.outputs.logprob), 1e-12);
        auto half = chunk;
        half.sequences.resize(2);
        half.outputs.logprob.resize(5);
        half.outputs.entropy.resize(5);
        auto const first = objective.backward(half.sequences, half.outputs, sums).logprob;
        for (std::size_t t = 0; t < first.size(); ++t) { EXPECT_EQ(first[t], gradients.logprob[t]); }
        pairs[1].probability = 1.0;
    }
}

// TRL's likelihood term is a mean over tokens, not over sequences: long answers weigh more.
TEST(PairLoss, OrposLikelihoodIsAMeanOverTokens) {
    std::vector<Pair> const pairs{{example_of(2, 3), example_of(2, 2)}, {example_of(2, 1), example_of(2, 6)}};
    ChunkCase const chunk({3, 2, 1, 6}, 2, ValueRows::none);
    PairLoss objective(pairs, {&pair_loss_row("orpo"), 1e-12, 0.0, 0.0});
    objective.prepare(all_of(objective), {});
    MetricSums sums;
    static_cast<void>(objective.backward(chunk.sequences, chunk.outputs, sums));
    EXPECT_NEAR(sums.values().at("loss"), -(chunk.logp(0) + chunk.logp(2)) / 4.0, 1e-9);
}

// Lengths come from the data. HALOs once took them from values != 0, and IPO was 0 / 0 at its first step.
TEST(PairLoss, LengthsAreNotInferredFromValues) {
    std::vector<Pair> const pairs{{example_of(2, 3), example_of(2, 2)}};
    ChunkCase chunk({3, 2}, 2, ValueRows::none);
    chunk.outputs.logprob = {0.0, -1.0, 0.0, 0.0, 0.0};
    for (std::string const name : {"ipo", "sigmoid_norm", "simpo"}) {
        PairLoss objective(pairs, {&pair_loss_row(name), 0.5, 0.0, 0.0});
        objective.prepare(all_of(objective), {});
        MetricSums sums;
        auto const gradients = objective.backward(chunk.sequences, chunk.outputs, sums);
        double const margin = -1.0 / 3.0;
        double const expected = name == "ipo" ? (margin - 1.0) * (margin - 1.0) : -std::log(logistic(0.5 * margin));
        EXPECT_NEAR(sums.values().at("loss"), expected, 1e-12);
        EXPECT_NEAR(gradients.logprob[0] * 3.0, -gradients.logprob[4] * 2.0, 1e-15);
    }
}

}  // namespace
}  // namespace alignsweep::losses
