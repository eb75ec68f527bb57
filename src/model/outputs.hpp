// SPDX-License-Identifier: Apache-2.0
// What goes into a chunk's pass and what comes out, on the host. No Kokkos here: methods see only this.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::model {

// Sequence s owns the rows [offsets[s], offsets[s + 1]) of `tokens`. The language-model head is read at target_rows
// (strictly increasing), each with the token whose log-probability is asked for; the scalar head at value_rows
// (strictly increasing). Empty sequences are allowed.
struct ChunkInput {
    std::span<std::int32_t const> tokens, offsets, target_rows, target_tokens, value_rows;
};

// What a chunk's forward pass gives back to a method, on the host: a number for each target row and each value row.
struct ChunkOutputs {
    std::vector<double> logprob, entropy, value;  // nats; nats; reward units
};

// The derivative of the loss by each of the outputs; an empty vector means zeros.
struct ChunkGradients {
    std::vector<double> logprob, entropy, value;
};

}  // namespace alignsweep::model
