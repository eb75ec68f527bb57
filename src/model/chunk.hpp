// SPDX-License-Identifier: Apache-2.0
// One chunk of packed sequences, on the host as the caller gives it and on the device as the kernels need it.
#pragma once

#include "kernels/attention.hpp"
#include "kernels/embedding.hpp"

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

template <class ExecSpace>
struct DeviceChunk {
    std::int32_t rows = 0, targets = 0, values = 0;
    kernels::Indices<ExecSpace> tokens, positions, target_rows, target_tokens, value_rows;
    kernels::TokenGroups<ExecSpace> groups;
    kernels::RowsByToken<ExecSpace> by_token;
};

// `lanes`: tokens of an attention group (kernels::lanes of the scalar).
template <class ExecSpace>
DeviceChunk<ExecSpace> upload(ChunkInput const& input, int lanes);

template <class ExecSpace>
kernels::Indices<ExecSpace> upload_indices(std::span<std::int32_t const> host);

}  // namespace alignsweep::model
