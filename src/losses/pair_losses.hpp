// SPDX-License-Identifier: Apache-2.0
// The losses of one labelled pair, as numbers: what PairLoss trains with and what `alignsweep score` reports. Each is a
// row of one table, which the trainer, `score`, `methods` and the checks of [dpo] read.
#pragma once

#include "config/method_sections.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alignsweep::losses {

struct PairLossRow;
// By the name that dpo.loss has for it. Throws std::logic_error for a name that is not in the table.
[[nodiscard]] PairLossRow const& pair_loss_row(std::string_view name);

// A loss and the numbers that it may read.
struct PairLossRule {
    PairLossRow const* row = &pair_loss_row("sigmoid");
    double beta = 0.1, label_smoothing = 0.0, gamma_ratio = 0.3, discopop_tau = 0.05;
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

// The loss, its derivatives by `chosen` and `rejected`, and the implicit rewards as TRL reports them: beta times the
// log-ratio; without a reference, beta times the mean log-probability of a token.
struct PairLossValue {
    double loss = 0.0, chosen_slope = 0.0, rejected_slope = 0.0, chosen_reward = 0.0, rejected_reward = 0.0;
};

// A pair as the function of a row sees it, with its rewards already in the result.
struct PairPoint {
    PairLossRule const& rule;
    PairLogprobs const& at;
    double chosen, rejected;                // less the reference's, but for losses without a reference
    double chosen_tokens, rejected_tokens;  // at least 1
    PairLossValue& result;
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
    std::string name;                // dpo.loss
    std::string equation, source;    // as `alignsweep methods` prints them
    void (*loss)(PairPoint const&);  // sets loss and slopes of the result
    unsigned traits = 0;             // of PairLossTrait
    // Where the loss depends on the step's other pairs: the two numbers of a pair that are ranked among theirs.
    std::pair<double, double> (*matched)(PairLogprobs const&) = nullptr;

    [[nodiscard]] bool is(PairLossTrait trait) const { return (traits & trait) != 0; }
};

// All of them, in the order of dpo.loss's choices.
[[nodiscard]] std::span<PairLossRow const> pair_losses();

// The numbers of a rule by their names in [dpo], and what a loss is that reads them; every loss reads beta.
struct PairLossKey {
    std::string name;
    double PairLossRule::*value;
    PairLossTrait trait{};

    [[nodiscard]] bool is_read_by(PairLossRow const& row) const { return trait == 0 || row.is(trait); }
};
[[nodiscard]] std::span<PairLossKey const> pair_loss_keys();

// The rule of a section. Throws ConfigError for a key that differs from its default and that this loss would ignore
// (label_smoothing where it is not read, for one: trl#3906), and where the loss needs smoothing and there is none.
[[nodiscard]] PairLossRule pair_loss_rule(config::DpoConfig const& config);

// The matches of a step's pairs, in order. Of equal numbers the first counts as the smaller.
[[nodiscard]] std::vector<PairMatch> match_by_rank(PairLossRow const& row, std::vector<PairLogprobs> const& pairs);

// Throws ConfigError for a soft label that this loss cannot take.
[[nodiscard]] PairLossValue pair_loss(PairLossRule const& rule, PairLogprobs const& logprobs);

}  // namespace alignsweep::losses
