// SPDX-License-Identifier: Apache-2.0
// Proximal policy optimisation: the losses of the policy and of its value model over one rollout, and what is mixed in.
// Schulman et al., arXiv:1707.06347, eq. 7 (clipped ratio) and section 5; value clipping as in Engstrom et al.,
// arXiv:2005.12729, appendix A.1; Ziegler et al., arXiv:1909.08593 for language.
#pragma once

#include "losses/loss.hpp"

namespace alignsweep::losses {

// --- what PPO makes of a rollout: rewards of tokens, advantages, returns ---
enum class KlEstimator { k1, k3 };

// One sampled completion, a number a token.
struct Episode {
    std::vector<double> logprob, reference_logprob, value;
    double score = 0.0;  // of the whole completion, added to the last token's reward
    std::vector<double> advantage, returns;
};

// Estimators of the KL from one sample (Schulman, "Approximating KL divergence", 2020): k1 = log pi - log pi_ref,
// k3 = exp(-k1) - 1 + k1, which is never negative.
[[nodiscard]] double kl_estimate(double logprob, double reference_logprob, KlEstimator estimator);

// Generalised advantage estimation (Schulman et al., arXiv:1506.02438, eq. 16) with the per-token reward
// -kl_coef kl_t, plus the score at the last token; returns = advantage + value. Fills advantage and returns.
// The value after the last token is 0: the episode is over (Ziegler et al., arXiv:1909.08593). TRL's PPO gives the
// score of a completion shorter than the longest allowed one slot later and learns a value there; with that slot as
// one more token (equal log-probabilities), this gives TRL's numbers.
void estimate_advantages(Episode& episode, double kl_coef, KlEstimator estimator, double gamma, double lambda);

// Shifts and scales all advantages of the rollout to mean 0 and variance 1 (unbiased, 1e-8 added to the variance, as
// TRL's masked_whiten), over every token of every episode; a rollout of fewer than two tokens is only shifted. TRL
// takes the tokens of each process by themselves, so its result depends on their number (trl#2596); this does not.
void whiten_advantages(std::span<Episode> episodes);

// The KL coefficient of the next update, raised where the policy's KL (nats a sequence) is above the target and lowered
// where it is below: coefficient (1 + clip(kl / target - 1, -0.2, 0.2) n / horizon), n = the update's episodes. Ziegler
// et al., arXiv:1909.08593, section 2.2, whose K_beta is n / horizon here.
struct KlTarget {
    double kl, horizon;
};
[[nodiscard]] double adapted_kl_coef(double coefficient, double kl, double episodes, KlTarget const& target);

// A coefficient that falls from `start` to `end` (both above 0) by equal factors while `progress` goes from 0 to 1, and
// stays there. A policy that follows it stays near the optimum of each coefficient on the way; under a small one from
// the start it first gives up answers that its optimum keeps, and what is never sampled does not come back.
[[nodiscard]] double annealed_kl_coef(double start, double end, double progress);

// --- its losses ---
// A rollout: episode i answers examples[i]. Both must outlive the losses made of them.
struct Rollout {
    std::vector<data::Example> examples;
    std::vector<Episode> episodes;
};

// What the two losses of a rollout share: their examples, and the tokens of the step.
class RolloutLoss : public Loss {
public:
    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(rollout_.examples.size()); }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int /*which*/) const override {
        return rollout_.examples[static_cast<std::size_t>(example)];
    }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;

protected:
    explicit RolloutLoss(Rollout const& rollout) : rollout_(rollout) {}

    Rollout const& rollout_;
    double tokens_ = 1.0;
};

// loss = mean over the tokens of the step of max(-A rho, -A clip(rho, 1 - eps, 1 + eps)), rho = pi / pi_rollout.
// Metrics: policy/{loss_avg,approxkl_avg,clipfrac_avg,entropy_avg}, val/{ratio,ratio_var}, all means over the step's
// tokens; TRL's approxkl, entropy and ratio count padding, too, and its ratio_var is the variance of the ratio's means.
class PpoPolicyLoss final : public RolloutLoss {
public:
    PpoPolicyLoss(Rollout const& rollout, double clip_range, double temperature)
        : RolloutLoss(rollout), clip_range_(clip_range), temperature_(temperature) {}

    [[nodiscard]] double temperature() const override { return temperature_; }
    ChunkGradients backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const override;

private:
    double clip_range_, temperature_;
};

// loss = vf_coef / 2 mean over the tokens of max((V - R)^2, (clip(V, V_old - eps, V_old + eps) - R)^2).
// Metrics: val/{loss_avg,clipfrac_avg}; val/loss_avg is without vf_coef.
class PpoValueLoss final : public RolloutLoss {
public:
    PpoValueLoss(Rollout const& rollout, double clip_range, double coefficient)
        : RolloutLoss(rollout), clip_range_(clip_range), coefficient_(coefficient) {}

    [[nodiscard]] data::TargetKind targets() const override { return data::TargetKind::none; }
    [[nodiscard]] ValueRows value_rows() const override { return ValueRows::targets; }
    ChunkGradients backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const override;

private:
    double clip_range_, coefficient_;
};

// Policy and value head on one trunk: the sum of the two losses, one forward and backward pass for both. Their metrics.
class PpoSharedLoss final : public RolloutLoss {
public:
    PpoSharedLoss(PpoPolicyLoss const& policy, PpoValueLoss const& value)
        : RolloutLoss(policy), policy_(policy), value_(value) {}

    [[nodiscard]] ValueRows value_rows() const override { return ValueRows::targets; }
    [[nodiscard]] double temperature() const override { return policy_.temperature(); }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    ChunkGradients backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const override;

private:
    PpoPolicyLoss policy_;
    PpoValueLoss value_;
};

// PPO-ptx: loss = coefficient times the cross-entropy of pre-training text, mean over the targets of the step, at
// temperature 1 whatever PPO samples at. Ouyang et al., arXiv:2203.02155, eq. 2, where it is added to each policy
// step. Metric: policy/ptx_loss, without the coefficient.
class PpoTextLoss final : public CrossEntropy {
public:
    // `windows` must outlive the loss.
    PpoTextLoss(std::span<data::Example const> windows, double coefficient)
        : CrossEntropy(windows, data::TargetKind::full), coefficient_(coefficient) {}

    ChunkGradients backward(Sequences sequences, ChunkOutputs const& outputs, MetricSums& metrics) const override;

private:
    double coefficient_;
};

}  // namespace alignsweep::losses
