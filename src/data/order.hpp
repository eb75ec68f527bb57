// SPDX-License-Identifier: Apache-2.0
// Which examples a training step sees: a pure function of (stream, step), so a resumed run needs no state.
#pragma once

#include "core/random.hpp"

#include <cstdint>
#include <vector>

namespace alignsweep::data {

// A permutation of 0 .. n-1 that depends on (stream, epoch) and n alone. n is below 2^32.
[[nodiscard]] std::vector<std::int64_t> epoch_order(std::int64_t n, core::RandomStream stream, std::uint32_t epoch);

// Batches of a run over n examples, reshuffled in each epoch. An epoch's last batch may be uneven: it is kept, with the
// examples that are left, and no batch reaches into the next epoch. Not for several threads at once (it keeps the
// order of the epoch asked for last).
class BatchOrder {
public:
    // n >= 0, batch >= 1, epochs >= 0; anything else is a bug (std::logic_error).
    BatchOrder(std::int64_t n, std::int64_t batch, std::int64_t epochs, core::RandomStream stream);

    [[nodiscard]] std::int64_t steps_per_epoch() const { return (n_ + batch_ - 1) / batch_; }
    // Of the whole run; 0 without examples.
    [[nodiscard]] std::int64_t steps() const { return epochs_ * steps_per_epoch(); }
    // The examples of step 0 .. steps()-1: 1 .. batch indices. Any order of calls gives the same answers.
    [[nodiscard]] std::vector<std::int64_t> indices(std::int64_t step) const;

private:
    std::int64_t n_;
    std::int64_t batch_;
    std::int64_t epochs_;
    core::RandomStream stream_;
    mutable std::int64_t cached_epoch_ = -1;
    mutable std::vector<std::int64_t> order_;
};

}  // namespace alignsweep::data
