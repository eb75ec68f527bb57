// SPDX-License-Identifier: Apache-2.0
// One chunk of packed sequences on the device, as the kernels need it.
#pragma once

#include "kernels/attention.hpp"
#include "kernels/embedding.hpp"
#include "model/device/staging.hpp"
#include "model/outputs.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::model::device {

template <class ExecSpace>
struct DeviceChunk {
    std::int32_t rows = 0, targets = 0, values = 0;
    // [rows], [rows], [targets], [targets], [values]; slots: [rows], or empty.
    kernels::Indices<ExecSpace> tokens, positions, target_rows, target_tokens, value_rows, slots;
    kernels::TokenGroups<ExecSpace> groups;
    kernels::RowsByToken<ExecSpace> by_token;
};

// Sends chunks to the device, each in one copy. A chunk is valid until the next one.
template <class ExecSpace>
class ChunkUploader {
public:
    // `lanes`: tokens of an attention group (kernels::lanes of the scalar).
    ChunkUploader(ExecSpace const& space, int lanes) : space_(space), lanes_(lanes), staging_(space) {}

    // `slots`: where a cache keeps each row's sequence; empty where there is no cache.
    DeviceChunk<ExecSpace> upload(ChunkInput const& input, std::span<std::int32_t const> slots = {});

private:
    ExecSpace space_;
    int lanes_;
    Staging<ExecSpace, std::int32_t> staging_;
    kernels::Vector<ExecSpace, std::int32_t> device_;
};

}  // namespace alignsweep::model::device
