// SPDX-License-Identifier: Apache-2.0
// The reward model's loss. Christiano et al., arXiv:1706.03741, section 2.2.3; Ouyang et al., arXiv:2203.02155, eq. 1;
// centering: Eisenstein et al., arXiv:2312.09244, section 2.
#pragma once

#include "losses/loss.hpp"
#include "losses/preference.hpp"

namespace alignsweep::losses {

// loss = (1 / n) sum of -log sigma(r_w - r_l - margin) + centering (r_w + r_l)^2, r read at the last token; of a label
// that holds with probability p, p times the first term plus 1 - p times the same with the answers swapped. Metrics:
// loss, accuracy, margin (the mean gap r_w - r_l), min_reward, mean_reward, max_reward over both answers of the step's
// pairs.
class RewardLoss final : public Loss {
public:
    struct Weights {
        double margin, centering;
    };
    RewardLoss(std::span<Pair const> pairs, Weights weights) : pairs_(pairs), weights_(weights) {}

    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(pairs_.size()); }
    [[nodiscard]] int sequences_per_example() const override { return 2; }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int which) const override {
        Pair const& pair = pairs_[static_cast<std::size_t>(example)];
        return which == 0 ? pair.chosen : pair.rejected;
    }
    [[nodiscard]] data::TargetKind targets() const override { return data::TargetKind::none; }
    [[nodiscard]] ValueRows value_rows() const override { return ValueRows::last; }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    model::ChunkGradients backward(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                                   MetricSums& metrics) const override;

private:
    std::span<Pair const> pairs_;
    Weights weights_;
    double count_ = 1.0;
};

}  // namespace alignsweep::losses
