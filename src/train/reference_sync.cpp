// SPDX-License-Identifier: Apache-2.0
#include "train/reference_sync.hpp"

#include <utility>

namespace alignsweep::train {

ReferenceSync::ReferenceSync(std::int64_t sync_steps, double sync_alpha, int chunk, infer::Weights reference,
                             infer::Weights const& policy, std::vector<losses::Pair>& pairs)
    : steps_(sync_steps),
      alpha_(sync_alpha),
      chunk_(chunk),
      reference_(std::move(reference)),
      policy_(policy),
      pairs_(pairs),
      transformer_(reference_.shape) {}

Surroundings ReferenceSync::surroundings() {
    return {{{"reference.", &reference_, nullptr}},
            [this](std::int64_t step, std::span<std::int64_t const> examples) { return refresh(step, examples); },
            [this](std::int64_t step) { follow(step); }};
}

double ReferenceSync::refresh(std::int64_t step, std::span<std::int64_t const> examples) {
    if (step < steps_) { return 0.0; }
    std::vector<data::Example const*> sequences;
    double tokens = 0.0;
    for (std::int64_t const example : examples) {
        losses::Pair const& pair = pairs_[static_cast<std::size_t>(example)];
        sequences.push_back(&pair.chosen);
        sequences.push_back(&pair.rejected);
        tokens += static_cast<double>(pair.chosen.tokens() + pair.rejected.tokens());
    }
    auto const logprobs = infer::sequence_logprobs(transformer_, reference_, sequences, chunk_);
    for (std::size_t i = 0; i < examples.size(); ++i) {
        losses::Pair& pair = pairs_[static_cast<std::size_t>(examples[i])];
        pair.chosen_reference = logprobs[2 * i];
        pair.rejected_reference = logprobs[2 * i + 1];
    }
    return tokens;
}

void ReferenceSync::follow(std::int64_t step) {
    if ((step + 1) % steps_ != 0) { return; }
    model::blend(policy_, alpha_, reference_);
}

}  // namespace alignsweep::train
