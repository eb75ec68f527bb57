// SPDX-License-Identifier: Apache-2.0
#include "model/device/chunk.hpp"

#include "core/error.hpp"

#include <algorithm>
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

template <class ExecSpace>
kernels::Indices<ExecSpace> upload_indices(std::span<std::int32_t const> host) {
    kernels::Vector<ExecSpace, std::int32_t> device(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "alignsweep::model::indices"), host.size());
    Kokkos::View<std::int32_t const*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> view(host.data(), host.size());
    Kokkos::deep_copy(device, view);
    return device;
}

template <class ExecSpace>
DeviceChunk<ExecSpace> upload(ChunkInput const& input, int lanes) {
    core::check(!input.offsets.empty() && input.offsets.back() == static_cast<std::int32_t>(input.tokens.size()),
                "a chunk's offsets end at the number of its tokens");
    core::check(input.target_rows.size() == input.target_tokens.size(), "one target token a target row");
    HostIndices host;
    for (std::size_t s = 0; s + 1 < input.offsets.size(); ++s) {
        add_sequence(input.offsets[s], input.offsets[s + 1], lanes, host);
    }
    group_rows_by_token(input.tokens, host);
    DeviceChunk<ExecSpace> chunk;
    chunk.rows = static_cast<std::int32_t>(input.tokens.size());
    chunk.targets = static_cast<std::int32_t>(input.target_rows.size());
    chunk.values = static_cast<std::int32_t>(input.value_rows.size());
    chunk.tokens = upload_indices<ExecSpace>(input.tokens);
    chunk.positions = upload_indices<ExecSpace>(host.positions);
    chunk.target_rows = upload_indices<ExecSpace>(input.target_rows);
    chunk.target_tokens = upload_indices<ExecSpace>(input.target_tokens);
    chunk.value_rows = upload_indices<ExecSpace>(input.value_rows);
    chunk.groups = {upload_indices<ExecSpace>(host.first), upload_indices<ExecSpace>(host.count),
                    upload_indices<ExecSpace>(host.begin), upload_indices<ExecSpace>(host.end)};
    chunk.by_token = {upload_indices<ExecSpace>(host.unique), upload_indices<ExecSpace>(host.starts),
                      upload_indices<ExecSpace>(host.rows)};
    return chunk;
}

template DeviceChunk<Kokkos::DefaultExecutionSpace> upload(ChunkInput const&, int);
template kernels::Indices<Kokkos::DefaultExecutionSpace> upload_indices(std::span<std::int32_t const>);

}  // namespace alignsweep::model::device
