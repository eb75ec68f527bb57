// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data/batch.hpp"
#include "losses/loss.hpp"
#include "model/outputs.hpp"

#include <span>
#include <vector>

namespace alignsweep::infer {

// A packed chunk with the rows where the scalar head is read, and where each sequence's outputs stand.
struct Chunk {
    data::PackedBatch batch;
    std::vector<std::int32_t> value_rows, value_offsets;

    Chunk(std::span<data::Example const* const> examples, data::TargetKind targets, losses::ValueRows where)
        : batch(data::pack(examples, where == losses::ValueRows::targets ? data::TargetKind::completion : targets)) {
        if (where == losses::ValueRows::targets) {
            value_rows = batch.target_rows;
            value_offsets = batch.target_offsets;
            if (targets == data::TargetKind::none) {  // values alone: no log-probabilities
                batch.target_rows.clear();
                batch.target_tokens.clear();
                batch.target_offsets.assign(batch.target_offsets.size(), 0);
            }
            return;
        }
        bool const last = where == losses::ValueRows::last;
        for (std::int64_t s = 0; s <= batch.sequences(); ++s) {
            if (last && s > 0) { value_rows.push_back(batch.offsets[static_cast<std::size_t>(s)] - 1); }
            value_offsets.push_back(last ? static_cast<std::int32_t>(s) : 0);
        }
    }

    [[nodiscard]] model::ChunkInput input() const {
        return {batch.tokens, batch.offsets, batch.target_rows, batch.target_tokens, value_rows};
    }
    [[nodiscard]] losses::SequenceOutputs outputs_of(std::size_t s, std::int64_t example, int which) const {
        auto const at = [](std::vector<std::int32_t> const& offsets, std::size_t i) {
            return static_cast<std::size_t>(offsets[i]);
        };
        return {example,
                which,
                at(batch.target_offsets, s),
                at(batch.target_offsets, s + 1),
                at(value_offsets, s),
                at(value_offsets, s + 1)};
    }
};

}  // namespace alignsweep::infer
