// SPDX-License-Identifier: Apache-2.0
// A reference that follows the policy: TR-DPO, Gorbatovski et al., arXiv:2404.09656, section 3.
#pragma once

#include "losses/preference.hpp"
#include "train/trainer.hpp"

#include <vector>

namespace alignsweep::train {

// After every sync_steps steps the reference's weights become sync_alpha times the policy's plus (1 - sync_alpha) times
// their own. From the first time on, each step's pairs get the reference's log-probabilities before the step; until
// then the stored ones hold. What it has done follows from the step and the reference's weights, which checkpoints
// keep, so a stage that was stopped goes on with equal bits.
class ReferenceSync {
public:
    // `reference`: its first weights, in a buffer of their own; `policy` and `pairs` must outlive this.
    ReferenceSync(std::int64_t sync_steps, double sync_alpha, int chunk, infer::Weights reference,
                  infer::Weights const& policy, std::vector<losses::Pair>& pairs);

    // What `train` needs to know; valid as long as this is.
    [[nodiscard]] Surroundings surroundings();
    [[nodiscard]] infer::Weights const& reference() const { return reference_; }

private:
    // Before a step. Returns the tokens that went through the reference.
    double refresh(std::int64_t step, std::span<std::int64_t const> examples);
    // After a step.
    void follow(std::int64_t step);

    std::int64_t steps_;
    double alpha_;
    int chunk_;
    infer::Weights reference_;
    infer::Weights const& policy_;
    std::vector<losses::Pair>& pairs_;
    infer::Transformer transformer_;
};

}  // namespace alignsweep::train
