// SPDX-License-Identifier: Apache-2.0
// One chunk of packed sequences on the device, as the kernels need it.
#pragma once

#include "kernels/attention.hpp"
#include "kernels/embedding.hpp"
#include "model/outputs.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::model::device {

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

}  // namespace alignsweep::model::device
