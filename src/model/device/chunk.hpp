// SPDX-License-Identifier: Apache-2.0
// One chunk of packed sequences on the device, as the kernels need it.
#pragma once

#include "kernels/attention.hpp"
#include "kernels/embedding.hpp"
#include "model/device/memory.hpp"
#include "model/outputs.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::model::device {

// A head reads some rows only, and after the last layer's attention no row depends on another: from there on the layer
// and its backward pass go through `end_rows` alone, which are, of each sequence, those from the first that is read on.
// Sums over them keep the blocks that sums over all rows have, so that no bit depends on what is left out.
struct DeviceChunk {
    std::int32_t rows = 0, targets = 0, values = 0;
    bool trimmed = false;  // or else end_rows would be all rows, and what belongs to them is empty
    // [rows], [rows], [end rows], [targets], [targets], [values]; slots: [rows], or empty. target_rows and value_rows
    // count in end_rows.
    Indices tokens, positions, end_rows, target_rows, target_tokens, value_rows, slots;
    // Of all rows; of end_rows, the last layer's queries, whose numbers stand side by side; of all rows, as their keys.
    kernels::TokenGroups<Exec> groups, end_groups, end_keys;
    kernels::RowsByToken<Exec> by_token;
    // Where among end_rows the blocks of kernels::add_column_sums and of the products begin.
    Indices sum_blocks;
    std::vector<std::int32_t> product_blocks;
};

// Sends chunks to the device, each in one copy. A chunk is valid until the next one.
class ChunkUploader {
public:
    // `lanes`: tokens of an attention group (kernels::query_lanes of the scalar).
    ChunkUploader(Exec const& space, int lanes) : space_(space), lanes_(lanes), staging_(space) {}

    // `slots`: where a cache keeps each row's sequence; empty where there is no cache. `all`: every row is read.
    DeviceChunk upload(ChunkInput const& input, std::span<std::int32_t const> slots, bool all);

private:
    Exec space_;
    int lanes_;
    Staging<std::int32_t> staging_;
    Vector<std::int32_t> device_;
};

}  // namespace alignsweep::model::device
