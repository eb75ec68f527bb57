// SPDX-License-Identifier: Apache-2.0
// Proximal policy optimisation: the losses of the policy and of its value model over one rollout, and what is mixed in.
// Schulman et al., arXiv:1707.06347, eq. 7 (clipped ratio) and section 5; value clipping as in Engstrom et al.,
// arXiv:2005.12729, appendix A.1; Ziegler et al., arXiv:1909.08593 for language.
#pragma once

#include "losses/cross_entropy.hpp"
#include "losses/gae.hpp"

namespace alignsweep::losses {

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
    model::ChunkGradients backward(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                   MetricSums& metrics) const override;

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
    model::ChunkGradients backward(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                   MetricSums& metrics) const override;

private:
    double clip_range_, coefficient_;
};

// Policy and value head on one trunk: the sum of the two losses, one forward and backward pass for both. Their metrics.
class PpoSharedLoss final : public Loss {
public:
    PpoSharedLoss(PpoPolicyLoss const& policy, PpoValueLoss const& value) : policy_(policy), value_(value) {}

    [[nodiscard]] std::int64_t size() const override { return policy_.size(); }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int which) const override {
        return policy_.sequence(example, which);
    }
    [[nodiscard]] ValueRows value_rows() const override { return ValueRows::targets; }
    [[nodiscard]] double temperature() const override { return policy_.temperature(); }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    model::ChunkGradients backward(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                   MetricSums& metrics) const override;

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

    model::ChunkGradients backward(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                   MetricSums& metrics) const override;

private:
    double coefficient_;
};

}  // namespace alignsweep::losses
