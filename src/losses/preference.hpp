// SPDX-License-Identifier: Apache-2.0
// Pairs of answers with a label, single answers with a thumb, and the losses that learn from them: DPO and its
// relatives, the reward model, KTO. What one pair or one thumb costs is a row of a table, which the trainer, `score`,
// `methods` and the sections [dpo] and [kto] read.
#pragma once

#include "config/field.hpp"
#include "losses/loss.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alignsweep::losses {

// --- of a pair ---
struct PairLossRow;
// By the name that dpo.loss has for it. Throws std::logic_error for a name that is not in the table.
[[nodiscard]] PairLossRow const& pair_loss_row(std::string_view name);

// A loss and the numbers that it may read: keys of [dpo].
struct PairLossRule {
    PairLossRow const* row = &pair_loss_row("sigmoid");
    double beta = 0.1, label_smoothing = 0.0, gamma_ratio = 0.3, discopop_tau = 0.05;

    void fields(config::FieldVisitor& visit);
};

// What the answers of a pair are compared with where the step's pairs are matched by rank: of the second numbers that
// PairLossRow::matched gives, the one that has the rank of this pair's first (chosen), and of the first numbers the one
// that has the rank of this pair's second (rejected).
struct PairMatch {
    double chosen = 0.0, rejected = 0.0;
};

// Summed log-probabilities over completion tokens, nats, under the policy and under the reference. A count of 0 (an
// empty completion) is taken as 1.
struct PairLogprobs {
    double chosen = 0.0, rejected = 0.0, chosen_reference = 0.0, rejected_reference = 0.0;
    double chosen_tokens = 1.0, rejected_tokens = 1.0;
    double probability = 1.0;  // that `chosen` is the better one: below 1 for soft labels
    // orpo: divisor of the likelihood term, the step's chosen tokens over its pairs, so that the mean over pairs is the
    // mean over tokens; 0: chosen_tokens (a pair by itself).
    double likelihood_tokens = 0.0;
    // Matched losses: from match_by_rank; nothing: a pair by itself, matched with itself.
    std::optional<PairMatch> match{};
};

// The loss, and its derivatives by `chosen` and `rejected`.
struct PairLossSlopes {
    double loss = 0.0, chosen_slope = 0.0, rejected_slope = 0.0;
};
// With the implicit rewards as TRL reports them: beta times the log-ratio; without a reference, beta times the mean
// log-probability of a token.
struct PairLossValue : PairLossSlopes {
    double chosen_reward = 0.0, rejected_reward = 0.0;
};

// A pair as the function of a row sees it.
struct PairPoint {
    PairLossRule const& rule;
    PairLogprobs const& at;
    double chosen, rejected;                // less the reference's, but for losses without a reference
    double chosen_tokens, rejected_tokens;  // at least 1
    double chosen_reward, rejected_reward;
};

enum PairLossTrait : unsigned {
    reads_smoothing = 1,
    reads_gamma_ratio = 2,
    reads_tau = 4,
    needs_smoothing = 8,  // infinite at label_smoothing = 0
    no_reference = 16,
    // A label that holds with probability p costs p L(chosen, rejected) + (1 - p) L(rejected, chosen). That says
    // something where L is a function of one margin of the pair that the swap negates, and of no other pair; these
    // losses are not.
    hard_labels = 32
};

struct PairLossRow {
    std::string name;              // dpo.loss
    std::string equation, source;  // as `alignsweep methods` prints them
    PairLossSlopes (*loss)(PairPoint const&);
    unsigned traits = 0;  // of PairLossTrait
    // Where the loss depends on the step's other pairs: the two numbers of a pair that are ranked among theirs.
    std::pair<double, double> (*matched)(PairLogprobs const&) = nullptr;

    [[nodiscard]] bool is(PairLossTrait trait) const { return (traits & trait) != 0; }
};

// All of them, in the order of dpo.loss's choices.
[[nodiscard]] std::span<PairLossRow const> pair_losses();

// The numbers of a rule by their names in [dpo], and what a loss is that reads them; every loss reads beta.
struct PairLossKey {
    char const* name;
    double PairLossRule::*value;
    config::Range allowed;
    char const* help;
    PairLossTrait trait{};

    [[nodiscard]] bool is_read_by(PairLossRow const& row) const { return trait == 0 || row.is(trait); }
};
[[nodiscard]] std::span<PairLossKey const> pair_loss_keys();

// Throws ConfigError for a key that differs from its default and that this loss would ignore (label_smoothing where it
// is not read, for one: trl#3906), and where the loss needs smoothing and there is none.
void check_rule(PairLossRule const& rule);
// "a, b or c": the losses that have this trait.
[[nodiscard]] std::string names_of(PairLossTrait trait);

// The matches of a step's pairs, in order. Of equal numbers the first counts as the smaller.
[[nodiscard]] std::vector<PairMatch> match_by_rank(PairLossRow const& row, std::vector<PairLogprobs> const& pairs);

// Throws ConfigError for a soft label that this loss cannot take.
[[nodiscard]] PairLossValue pair_loss(PairLossRule const& rule, PairLogprobs const& logprobs);

// --- of a thumb ---
struct ThumbLossRow;
// By the name that kto.loss has for it. Throws std::logic_error for a name that is not in the table.
[[nodiscard]] ThumbLossRow const& thumb_loss_row(std::string_view name);

// A loss and its numbers: keys of [kto].
struct ThumbLossRule {
    ThumbLossRow const* row = &thumb_loss_row("kto");
    double beta = 0.1, lambda_desirable = 1.0, lambda_undesirable = 1.0;

    void fields(config::FieldVisitor& visit);
};

// The loss, its derivative by the summed log-probability (z0 is a constant), and the implicit reward beta r.
struct ThumbLossValue {
    double loss = 0.0, slope = 0.0, reward = 0.0;
};

struct ThumbLossRow {
    std::string name;              // kto.loss
    std::string equation, source;  // as `alignsweep methods` prints them
    bool has_z0;                   // it reads the step's KL estimate; in the others 0 stands for it
};
// All of them, in the order of kto.loss's choices.
[[nodiscard]] std::span<ThumbLossRow const> thumb_losses();

// The numbers of a rule, all of which every row reads, by their names in [kto].
struct ThumbLossKey {
    char const* name;
    double ThumbLossRule::*value;
    config::Range allowed;
    char const* help;
};
[[nodiscard]] std::span<ThumbLossKey const> thumb_loss_keys();

// `logprob`, `reference`: of the completion, summed over its tokens, nats. `z0`: nats, at least 0.
[[nodiscard]] ThumbLossValue thumb_loss(ThumbLossRule const& rule, bool desirable, double logprob, double reference,
                                        double z0);

// --- as losses of a training step ---
struct Pair {
    data::Example chosen, rejected;
    double chosen_reference = 0.0, rejected_reference = 0.0;  // summed log-probability under the SFT model, nats
    double probability = 1.0;  // that `chosen` is the better one: below 1 for soft labels
};

struct Thumb {
    data::Example example;
    bool desirable = true;
    double reference = 0.0;    // of example, nats
    data::Example mismatched;  // this prompt with the completion of another prompt's example, drawn once
    double mismatched_reference = 0.0;
};

// What the losses of pairs share: an example's chosen answer and its rejected one, in this order.
class LossOfPairs : public Loss {
public:
    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(pairs_.size()); }
    [[nodiscard]] int sequences_per_example() const override { return 2; }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int which) const override {
        Pair const& pair = pairs_[static_cast<std::size_t>(example)];
        return which == 0 ? pair.chosen : pair.rejected;
    }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> /*probe_logps*/) override {
        count_ = static_cast<double>(examples.size());
    }

protected:
    // `pairs` must outlive the loss.
    explicit LossOfPairs(std::span<Pair const> pairs) : pairs_(pairs) {}

    std::span<Pair const> pairs_;
    double count_ = 1.0;  // pairs of the step
};

// loss = mean over the step's pairs of pair_loss (pair_losses.cpp has the equations). Metrics: loss, entropy,
// rewards/{chosen,rejected,margins,accuracies} of pair_loss's implicit rewards, logps/{chosen,rejected}: sums over
// completion tokens, whatever the loss makes of them (TRL logs means under simpo and orpo). Matched losses
// match the pairs of the whole step, by the policy as it is before the step.
class PairLoss final : public LossOfPairs {
public:
    // The pairs' reference log-probabilities are read at each step anew.
    PairLoss(std::span<Pair const> pairs, PairLossRule const& rule) : LossOfPairs(pairs), rule_(rule) {}

    [[nodiscard]] std::vector<data::Example const*> probes(std::int64_t example) const override {
        if (rule_.row->matched == nullptr) { return {}; }
        return {&sequence(example, 0), &sequence(example, 1)};
    }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    ChunkGradients backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const override;

private:
    // What a pair's numbers are, but for the policy's log-probabilities.
    [[nodiscard]] PairLogprobs numbers_of(std::int64_t example, double chosen, double rejected) const;

    PairLossRule rule_;
    // A pair of the data set, current for those of this step; empty: none.
    std::vector<std::optional<PairMatch>> matches_;
    double likelihood_tokens_ = 0.0;
};

// The reward model's loss. Christiano et al., arXiv:1706.03741, section 2.2.3; Ouyang et al., arXiv:2203.02155, eq. 1;
// centering: Eisenstein et al., arXiv:2312.09244, section 2.
//
// loss = (1 / n) sum of -log sigma(r_w - r_l - margin) + centering (r_w + r_l)^2, r read at the last token; of a label
// that holds with probability p, p times the first term plus 1 - p times the same with the answers swapped. Metrics:
// loss, accuracy, margin (the mean gap r_w - r_l), min_reward, mean_reward, max_reward over both answers of the step's
// pairs.
class RewardLoss final : public LossOfPairs {
public:
    struct Weights {
        double margin, centering;
    };
    RewardLoss(std::span<Pair const> pairs, Weights weights) : LossOfPairs(pairs), weights_(weights) {}

    [[nodiscard]] data::TargetKind targets() const override { return data::TargetKind::none; }
    [[nodiscard]] ValueRows value_rows() const override { return ValueRows::last; }
    ChunkGradients backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const override;

private:
    Weights weights_;
};

// Kahneman-Tversky optimisation: learning from single answers, each with a thumb.
//
// loss = mean over the step's answers of thumb_loss (the table of thumb_losses has the equations), with z0 = max(0,
// mean over the whole step of the mismatched examples' log-ratio), without gradient. Metrics: loss, entropy, kl (z0,
// nats; only where the loss has one), rewards/{chosen,rejected}, logps/{chosen,rejected} (chosen: desirable). The
// formula is TRL's; the mismatched examples are not: TRL rotates each batch's completions by one, in the order of the
// file, where a prompt can meet its own other answer.
class ThumbLoss final : public Loss {
public:
    ThumbLoss(std::span<Thumb const> thumbs, ThumbLossRule const& rule) : thumbs_(thumbs), rule_(rule) {}

    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(thumbs_.size()); }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int /*which*/) const override {
        return thumbs_[static_cast<std::size_t>(example)].example;
    }
    [[nodiscard]] std::vector<data::Example const*> probes(std::int64_t example) const override {
        if (!has_z0()) { return {}; }
        return {&thumbs_[static_cast<std::size_t>(example)].mismatched};
    }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    ChunkGradients backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const override;
    [[nodiscard]] double z0() const { return z0_; }

private:
    [[nodiscard]] bool has_z0() const { return rule_.row->has_z0; }

    std::span<Thumb const> thumbs_;
    ThumbLossRule rule_;
    double z0_ = 0.0, count_ = 1.0;
};

}  // namespace alignsweep::losses
