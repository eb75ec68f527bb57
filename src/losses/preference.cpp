// SPDX-License-Identifier: Apache-2.0
#include "losses/preference.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace alignsweep::losses {

namespace {

template <class Row>
Row const& row_named(std::string_view name, std::span<Row const> table) {
    auto const found = std::find_if(table.begin(), table.end(), [&](Row const& row) { return row.name == name; });
    core::check(found != table.end(), "no such loss: ", name);
    return *found;
}

}  // namespace

PairLossRow const& pair_loss_row(std::string_view name) { return row_named(name, pair_losses()); }

std::span<PairLossKey const> pair_loss_keys() {
    static std::vector<PairLossKey> const keys{
        {"beta", &PairLossRule::beta, config::positive,
         "strength of the tie to the reference (IPO: tau; ORPO: lambda; SimPO: scale of its reward, say 2.5)"},
        {"label_smoothing", &PairLossRule::label_smoothing, config::Range{0.0, 0.499999},
         "share of wrong labels (cdpo, rdpo, aot, aot_unpaired; exo_pair: above 0, say 0.001)", reads_smoothing},
        {"gamma_ratio", &PairLossRule::gamma_ratio, config::non_negative, "target margin over beta (simpo)",
         reads_gamma_ratio},
        {"discopop_tau", &PairLossRule::discopop_tau, config::Range{1e-6, 1.0},
         "temperature of the blend (discopop); small ones pull margins near 0 down", reads_tau}};
    return keys;
}

void PairLossRule::fields(config::FieldVisitor& visit) {
    visit("loss", row, pair_losses(), "variant of the loss; `alignsweep methods` has the equations");
    for (PairLossKey const& key : pair_loss_keys()) { visit(key.name, this->*key.value, key.allowed, key.help); }
}

std::string names_of(PairLossTrait trait) {
    std::vector<std::string> names;
    for (PairLossRow const& row : pair_losses()) {
        if (row.is(trait)) { names.push_back(row.name); }
    }
    return core::alternatives(names);
}

void check_rule(PairLossRule const& rule) {
    PairLossRow const& row = *rule.row;
    for (PairLossKey const& key : pair_loss_keys()) {
        if (rule.*key.value != PairLossRule().*key.value && !key.is_read_by(row)) {
            throw core::ConfigError("dpo.", key.name, " = ", rule.*key.value,
                                    " has no effect here (dpo.loss = ", row.name,
                                    "); it needs dpo.loss = ", names_of(key.trait));
        }
    }
    if (row.is(needs_smoothing) && rule.label_smoothing <= 0.0) {
        throw core::ConfigError("dpo.loss = ", row.name, " is infinite at dpo.label_smoothing = 0; a ",
                                "value above 0 is allowed, say 0.001");
    }
}

std::span<ThumbLossRow const> thumb_losses() {
    static std::vector<ThumbLossRow> const table{
        // r = log pi - log pi_ref. Desirable: lambda_D (1 - sigma(beta (r - z0))), undesirable: lambda_U
        // (1 - sigma(beta (z0 - r))); eq. 8.
        {"kto", "z0 = max(0, mean of log pi - log pi_ref over mismatched completions)",
         "Ethayarajh et al. 2402.01306, section 4.2", true},
        // The paper's apo_zero (eq. 7) with the two halves taken apart, as in TRL.
        {"apo_zero_unpaired", "lambda_D [1 - sigma(beta r)] or lambda_U sigma(beta r); no z0",
         "D'Oosterlinck et al. 2408.06266", false}};
    return table;
}

ThumbLossRow const& thumb_loss_row(std::string_view name) { return row_named(name, thumb_losses()); }

std::span<ThumbLossKey const> thumb_loss_keys() {
    static std::vector<ThumbLossKey> const keys{
        {"beta", &ThumbLossRule::beta, config::positive, "strength of the tie to the reference"},
        {"lambda_desirable", &ThumbLossRule::lambda_desirable, config::non_negative, "weight of desirable examples"},
        {"lambda_undesirable", &ThumbLossRule::lambda_undesirable, config::non_negative,
         "weight of undesirable examples"}};
    return keys;
}

void ThumbLossRule::fields(config::FieldVisitor& visit) {
    visit("loss", row, thumb_losses(), "variant of the loss; the latter has no z0");
    for (ThumbLossKey const& key : thumb_loss_keys()) { visit(key.name, this->*key.value, key.allowed, key.help); }
}

ThumbLossValue thumb_loss(ThumbLossRule const& rule, bool desirable, double logprob, double reference, double z0) {
    double const ratio = logprob - reference;
    double const sign = desirable ? 1.0 : -1.0;
    double const weight = desirable ? rule.lambda_desirable : rule.lambda_undesirable;
    double const value = sigmoid(sign * rule.beta * (ratio - (rule.row->has_z0 ? z0 : 0.0)));
    return {weight * (1.0 - value), -sign * weight * rule.beta * value * (1.0 - value), rule.beta * ratio};
}

PairLogprobs PairLoss::numbers_of(std::int64_t example, double chosen, double rejected) const {
    auto const place = static_cast<std::size_t>(example);
    Pair const& pair = pairs_[place];
    return {.chosen = chosen,
            .rejected = rejected,
            .chosen_reference = pair.chosen_reference,
            .rejected_reference = pair.rejected_reference,
            .chosen_tokens = static_cast<double>(target_count(pair.chosen, targets())),
            .rejected_tokens = static_cast<double>(target_count(pair.rejected, targets())),
            .probability = pair.probability,
            .likelihood_tokens = likelihood_tokens_,
            .match = matches_.empty() ? std::nullopt : matches_[place]};
}

void PairLoss::prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) {
    LossOfPairs::prepare(examples, probe_logps);
    std::int64_t chosen_tokens = 0;
    for (std::int64_t const example : examples) { chosen_tokens += target_count(sequence(example, 0), targets()); }
    likelihood_tokens_ = static_cast<double>(chosen_tokens) / std::max(1.0, count_);
    if (rule_.row->matched == nullptr) { return; }
    std::vector<PairLogprobs> step;
    for (std::size_t i = 0; i < examples.size(); ++i) {
        step.push_back(numbers_of(examples[i], probe_logps[2 * i], probe_logps[2 * i + 1]));
    }
    auto const matches = match_by_rank(*rule_.row, step);
    matches_.resize(pairs_.size());
    for (std::size_t i = 0; i < examples.size(); ++i) { matches_[static_cast<std::size_t>(examples[i])] = matches[i]; }
}

ChunkGradients PairLoss::backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const {
    ChunkGradients gradients;
    gradients.logprob.resize(outputs.logprob.size());
    // A log-probability is a sum over tokens: its derivative is that of each of them.
    auto const fill = [&](SequenceOutputs const& s, double slope) {
        for (std::size_t t = s.target_begin; t < s.target_end; ++t) { gradients.logprob[t] = slope / count_; }
    };
    for (std::size_t s = 0; s + 1 < sequences.size(); s += 2) {
        SequenceOutputs const &better = sequences[s], &worse = sequences[s + 1];
        PairLogprobs const at =
            numbers_of(better.example, summed_logprob(better, outputs), summed_logprob(worse, outputs));
        PairLossValue const loss = pair_loss(rule_, at);
        fill(better, loss.chosen_slope);
        fill(worse, loss.rejected_slope);
        double const margin = loss.chosen_reward - loss.rejected_reward;
        metrics.add("loss", loss.loss, 1.0);
        metrics.add("rewards/chosen", loss.chosen_reward, 1.0);
        metrics.add("rewards/rejected", loss.rejected_reward, 1.0);
        metrics.add("rewards/margins", margin, 1.0);
        metrics.add("rewards/accuracies", margin > 0.0 ? 1.0 : 0.0, 1.0);
        metrics.add("logps/chosen", at.chosen, 1.0);
        metrics.add("logps/rejected", at.rejected, 1.0);
    }
    add_entropy(outputs, metrics);
    return gradients;
}

ChunkGradients RewardLoss::backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const {
    ChunkGradients gradients;
    gradients.value.resize(outputs.value.size());
    for (std::size_t s = 0; s + 1 < sequences.size(); s += 2) {
        std::size_t const winner = sequences[s].value_begin, loser = sequences[s + 1].value_begin;
        double const gap = outputs.value[winner] - outputs.value[loser];
        double const total = outputs.value[winner] + outputs.value[loser];
        double const probability = pairs_[static_cast<std::size_t>(sequences[s].example)].probability;
        double const opposite = 1.0 - probability;
        double const slope =
            probability * sigmoid(-(gap - weights_.margin)) - opposite * sigmoid(-(-gap - weights_.margin));
        double const preference =
            -probability * log_sigmoid(gap - weights_.margin) - opposite * log_sigmoid(-gap - weights_.margin);
        gradients.value[winner] = (-slope + 2.0 * weights_.centering * total) / count_;
        gradients.value[loser] = (slope + 2.0 * weights_.centering * total) / count_;
        metrics.add("loss", preference + weights_.centering * total * total, 1.0);
        metrics.add("accuracy", gap > 0.0 ? 1.0 : 0.0, 1.0);
        metrics.add("margin", gap, 1.0);
        metrics.add("mean_reward", total, 2.0);
    }
    for (double const reward : outputs.value) {
        metrics.add_least("min_reward", reward);
        metrics.add_largest("max_reward", reward);
    }
    return gradients;
}

void ThumbLoss::prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) {
    count_ = static_cast<double>(examples.size());
    if (!has_z0()) { return; }
    double sum = 0.0;
    for (std::size_t i = 0; i < examples.size(); ++i) {
        sum += probe_logps[i] - thumbs_[static_cast<std::size_t>(examples[i])].mismatched_reference;
    }
    z0_ = examples.empty() ? 0.0 : std::max(0.0, sum / count_);
}

ChunkGradients ThumbLoss::backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const {
    ChunkGradients gradients;
    gradients.logprob.resize(outputs.logprob.size());
    for (SequenceOutputs const& sequence : sequences) {
        Thumb const& thumb = thumbs_[static_cast<std::size_t>(sequence.example)];
        double const logp = summed_logprob(sequence, outputs);
        ThumbLossValue const loss = thumb_loss(rule_, thumb.desirable, logp, thumb.reference, z0_);
        for (std::size_t t = sequence.target_begin; t < sequence.target_end; ++t) {
            gradients.logprob[t] = loss.slope / count_;
        }
        std::string const name = thumb.desirable ? "chosen" : "rejected";
        metrics.add("loss", loss.loss, 1.0);
        metrics.add("rewards/" + name, loss.reward, 1.0);
        metrics.add("logps/" + name, logp, 1.0);
        if (has_z0()) { metrics.add("kl", z0_, 1.0); }
    }
    add_entropy(outputs, metrics);
    return gradients;
}

}  // namespace alignsweep::losses
