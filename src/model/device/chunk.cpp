// SPDX-License-Identifier: Apache-2.0
#include "model/device/chunk.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace alignsweep::model::device {

namespace {

struct HostIndices {
    std::vector<std::int32_t> positions, first, count, begin, end, unique, starts, rows;
};

void add_sequence(std::int32_t begin, std::int32_t end, int lanes, HostIndices& host) {
    for (std::int32_t row = begin; row < end; ++row) { host.positions.push_back(row - begin); }
    for (std::int32_t first = begin; first < end; first += lanes) {
        host.first.push_back(first);
        host.count.push_back(std::min(lanes, end - first));
        host.begin.push_back(begin);
        host.end.push_back(end);
    }
}

// A stable sort keeps the rows of a token in order, which fixes the order of the embedding gradient's sums.
void group_rows_by_token(std::span<std::int32_t const> tokens, HostIndices& host) {
    host.rows.resize(tokens.size());
    std::iota(host.rows.begin(), host.rows.end(), 0);
    std::stable_sort(host.rows.begin(), host.rows.end(), [&](std::int32_t a, std::int32_t b) {
        return tokens[static_cast<std::size_t>(a)] < tokens[static_cast<std::size_t>(b)];
    });
    for (std::size_t k = 0; k < host.rows.size(); ++k) {
        std::int32_t const token = tokens[static_cast<std::size_t>(host.rows[k])];
        if (host.unique.empty() || host.unique.back() != token) {
            host.unique.push_back(token);
            host.starts.push_back(static_cast<std::int32_t>(k));
        }
    }
    host.starts.push_back(static_cast<std::int32_t>(host.rows.size()));
}

}  // namespace

DeviceChunk ChunkUploader::upload(ChunkInput const& input, std::span<std::int32_t const> slots) {
    core::check(!input.offsets.empty() && input.offsets.back() == static_cast<std::int32_t>(input.tokens.size()),
                "a chunk's offsets end at the number of its tokens");
    core::check(input.target_rows.size() == input.target_tokens.size(), "one target token a target row");
    HostIndices host;
    for (std::size_t s = 0; s + 1 < input.offsets.size(); ++s) {
        add_sequence(input.offsets[s], input.offsets[s + 1], lanes_, host);
    }
    group_rows_by_token(input.tokens, host);

    DeviceChunk chunk;
    chunk.rows = static_cast<std::int32_t>(input.tokens.size());
    chunk.targets = static_cast<std::int32_t>(input.target_rows.size());
    chunk.values = static_cast<std::int32_t>(input.value_rows.size());
    struct Part {
        std::span<std::int32_t const> host;
        Indices* device;
    };
    std::array<Part, 13> const parts{{{input.tokens, &chunk.tokens},
                                      {host.positions, &chunk.positions},
                                      {input.target_rows, &chunk.target_rows},
                                      {input.target_tokens, &chunk.target_tokens},
                                      {input.value_rows, &chunk.value_rows},
                                      {slots, &chunk.slots},
                                      {host.first, &chunk.groups.first},
                                      {host.count, &chunk.groups.count},
                                      {host.begin, &chunk.groups.begin},
                                      {host.end, &chunk.groups.end},
                                      {host.unique, &chunk.by_token.unique},
                                      {host.starts, &chunk.by_token.starts},
                                      {host.rows, &chunk.by_token.rows}}};
    std::size_t size = 0;
    for (Part const& part : parts) { size += part.host.size(); }
    if (size > device_.extent(0)) { device_ = uninitialised<std::int32_t>(space_, "alignsweep::model::chunk", size); }
    std::int32_t* to = staging_.host(size);
    std::int32_t const* at = device_.data();
    for (Part const& part : parts) {
        *part.device = Indices(at, part.host.size());
        to = std::copy(part.host.begin(), part.host.end(), to);
        at += part.host.size();
    }
    staging_.upload(Vector<std::int32_t>(device_.data(), size));
    return chunk;
}

}  // namespace alignsweep::model::device
