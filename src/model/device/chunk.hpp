// SPDX-License-Identifier: Apache-2.0
// One chunk of packed sequences on the device, as the kernels need it.
#pragma once

#include "kernels/attention.hpp"
#include "kernels/embedding.hpp"
#include "model/device/memory.hpp"
#include "model/outputs.hpp"

#include <cstdint>
#include <span>

namespace alignsweep::model::device {

struct DeviceChunk {
    std::int32_t rows = 0, targets = 0, values = 0;
    // [rows], [rows], [targets], [targets], [values]; slots: [rows], or empty.
    Indices tokens, positions, target_rows, target_tokens, value_rows, slots;
    kernels::TokenGroups<Exec> groups;
    kernels::RowsByToken<Exec> by_token;
};

// Sends chunks to the device, each in one copy. A chunk is valid until the next one.
class ChunkUploader {
public:
    // `lanes`: tokens of an attention group (kernels::query_lanes of the scalar).
    ChunkUploader(Exec const& space, int lanes) : space_(space), lanes_(lanes), staging_(space) {}

    // `slots`: where a cache keeps each row's sequence; empty where there is no cache.
    DeviceChunk upload(ChunkInput const& input, std::span<std::int32_t const> slots = {});

private:
    Exec space_;
    int lanes_;
    Staging<std::int32_t> staging_;
    Vector<std::int32_t> device_;
};

}  // namespace alignsweep::model::device
