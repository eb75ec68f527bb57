// SPDX-License-Identifier: Apache-2.0
// Kahneman-Tversky optimisation. Ethayarajh et al., arXiv:2402.01306, eq. 8.
#pragma once

#include "methods/method.hpp"
#include "methods/preference.hpp"

namespace alignsweep::methods {

// With r = log pi - log pi_ref of the completion and z0 = max(0, mean over the whole step of the mismatched examples'
// log-ratio), without gradient: loss = (1 / n) sum of lambda_D (1 - sigma(beta (r - z0))) for desirable and
// lambda_U (1 - sigma(beta (z0 - r))) for undesirable examples. Metrics: loss, entropy, kl (z0, nats),
// rewards/{chosen,rejected}, logps/{chosen,rejected} (chosen: desirable).
class Kto final : public Method {
public:
    struct Weights {
        double beta, desirable, undesirable;
    };
    Kto(std::span<Thumb const> thumbs, Weights weights) : thumbs_(thumbs), weights_(weights) {}

    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(thumbs_.size()); }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int /*which*/) const override {
        return thumbs_[static_cast<std::size_t>(example)].example;
    }
    [[nodiscard]] data::Example const* probe(std::int64_t example) const override {
        return &thumbs_[static_cast<std::size_t>(example)].mismatched;
    }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    model::ChunkGradients loss(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                               MetricSums& metrics) const override;
    [[nodiscard]] double z0() const { return z0_; }

private:
    std::span<Thumb const> thumbs_;
    Weights weights_;
    double z0_ = 0.0, count_ = 1.0;
};

}  // namespace alignsweep::methods
