// SPDX-License-Identifier: Apache-2.0
// Direct preference optimisation. Rafailov et al., arXiv:2305.18290, eq. 7.
#pragma once

#include "methods/method.hpp"
#include "methods/preference.hpp"

namespace alignsweep::methods {

// loss = -(1 / n) sum log sigma(beta Delta), Delta = (log pi - log pi_ref)(chosen) - (log pi - log pi_ref)(rejected),
// sums over completion tokens. Metrics: loss, entropy, rewards/{chosen,rejected,margins,accuracies},
// logps/{chosen,rejected}; implicit rewards are beta (log pi - log pi_ref), as in TRL.
class Dpo final : public Method {
public:
    Dpo(std::span<Pair const> pairs, double beta) : pairs_(pairs), beta_(beta) {}

    [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(pairs_.size()); }
    [[nodiscard]] int sequences_per_example() const override { return 2; }
    [[nodiscard]] data::Example const& sequence(std::int64_t example, int which) const override {
        Pair const& pair = pairs_[static_cast<std::size_t>(example)];
        return which == 0 ? pair.chosen : pair.rejected;
    }
    void prepare(std::span<std::int64_t const> examples, std::span<double const> probe_logps) override;
    model::ChunkGradients loss(std::span<SequenceOutputs const> sequences, model::ChunkOutputs const& outputs,
                               MetricSums& metrics) const override;

private:
    std::span<Pair const> pairs_;
    double beta_;
    double count_ = 1.0;
};

}  // namespace alignsweep::methods
