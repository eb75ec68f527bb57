// SPDX-License-Identifier: Apache-2.0
#include "model/device/chunk.hpp"

#include "core/error.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/reduce.hpp"

#include <algorithm>
#include <numeric>

namespace alignsweep::model::device {

namespace {

using Numbers = std::vector<std::int32_t>;

struct HostGroups {
    Numbers first, count, begin, end, shift;

    // Rows [from, end) of a sequence.
    void add(std::int32_t from, std::int32_t begin_in, std::int32_t end_in, std::int32_t shift_in, int lanes) {
        for (; from < end_in; from += lanes) {
            first.push_back(from);
            count.push_back(std::min(lanes, end_in - from));
            begin.push_back(begin_in);
            end.push_back(end_in);
            shift.push_back(shift_in);
        }
    }
};

struct HostIndices {
    Numbers positions, unique, starts, rows, end_rows, target_rows, value_rows, sum_blocks;
    HostGroups groups, end_groups, end_keys;
};

// The first of `rows`, ascending, that lies in [begin, end), or else `end`.
std::int32_t first_within(std::span<std::int32_t const> rows, std::int32_t begin, std::int32_t end) {
    auto const found = std::lower_bound(rows.begin(), rows.end(), begin);
    return found == rows.end() ? end : std::min(*found, end);
}

// Where among `rows`, ascending, those of every block of so many begin, and where the last ends.
Numbers block_starts(Numbers const& rows, std::int32_t total, std::int32_t block) {
    Numbers starts{0};
    for (std::int32_t end = block; end < total + block; end += block) {
        starts.push_back(static_cast<std::int32_t>(std::lower_bound(rows.begin(), rows.end(), end) - rows.begin()));
    }
    return starts;
}

// The places of `rows` among `all`, both ascending.
Numbers places_of(std::span<std::int32_t const> rows, Numbers const& all) {
    Numbers places;
    for (std::int32_t const row : rows) {
        places.push_back(static_cast<std::int32_t>(std::lower_bound(all.begin(), all.end(), row) - all.begin()));
    }
    return places;
}

// Fills what belongs to the rows from each sequence's first one that is read.
void trim(ChunkInput const& input, int lanes, HostIndices& host) {
    for (std::size_t s = 0; s + 1 < input.offsets.size(); ++s) {
        std::int32_t const begin = input.offsets[s], end = input.offsets[s + 1];
        std::int32_t const from =
            std::min(first_within(input.target_rows, begin, end), first_within(input.value_rows, begin, end));
        std::int32_t const shift = from - static_cast<std::int32_t>(host.end_rows.size());
        host.end_groups.add(from, begin, end, shift, lanes);
        host.end_keys.add(begin, from, end, shift, lanes);
        for (std::int32_t row = from; row < end; ++row) { host.end_rows.push_back(row); }
    }
    host.target_rows = places_of(input.target_rows, host.end_rows);
    host.value_rows = places_of(input.value_rows, host.end_rows);
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

DeviceChunk ChunkUploader::upload(ChunkInput const& input, std::span<std::int32_t const> slots, bool all) {
    core::check(!input.offsets.empty() && input.offsets.back() == static_cast<std::int32_t>(input.tokens.size()),
                "a chunk's offsets end at the number of its tokens");
    core::check(input.target_rows.size() == input.target_tokens.size(), "one target token a target row");
    HostIndices host;
    for (std::size_t s = 0; s + 1 < input.offsets.size(); ++s) {
        std::int32_t const begin = input.offsets[s], end = input.offsets[s + 1];
        for (std::int32_t row = begin; row < end; ++row) { host.positions.push_back(row - begin); }
        host.groups.add(begin, begin, end, 0, lanes_);
    }
    group_rows_by_token(input.tokens, host);

    DeviceChunk chunk;
    if (!all) { trim(input, lanes_, host); }
    auto const rows = static_cast<std::int32_t>(input.tokens.size());
    // Gathering rows costs something, too.
    chunk.trimmed = !all && 10 * host.end_rows.size() < 9 * input.tokens.size();
    if (chunk.trimmed) {
        host.sum_blocks = block_starts(host.end_rows, rows, kernels::rows_per_block);
        chunk.product_blocks = block_starts(host.end_rows, rows, kernels::k_block);
    } else {
        host.end_rows.clear();
        host.end_groups = host.end_keys = {};
        host.target_rows.assign(input.target_rows.begin(), input.target_rows.end());
        host.value_rows.assign(input.value_rows.begin(), input.value_rows.end());
    }
    chunk.rows = rows;
    chunk.targets = static_cast<std::int32_t>(input.target_rows.size());
    chunk.values = static_cast<std::int32_t>(input.value_rows.size());
    struct Part {
        std::span<std::int32_t const> host;
        Indices* device;
    };
    std::vector<Part> parts{{input.tokens, &chunk.tokens},
                            {host.positions, &chunk.positions},
                            {host.end_rows, &chunk.end_rows},
                            {host.target_rows, &chunk.target_rows},
                            {input.target_tokens, &chunk.target_tokens},
                            {host.value_rows, &chunk.value_rows},
                            {slots, &chunk.slots},
                            {host.sum_blocks, &chunk.sum_blocks},
                            {host.unique, &chunk.by_token.unique},
                            {host.starts, &chunk.by_token.starts},
                            {host.rows, &chunk.by_token.rows}};
    auto const add_groups = [&](HostGroups const& from, kernels::TokenGroups<Exec>& to) {
        parts.insert(parts.end(), {{from.first, &to.first},
                                   {from.count, &to.count},
                                   {from.begin, &to.begin},
                                   {from.end, &to.end},
                                   {from.shift, &to.shift}});
    };
    add_groups(host.groups, chunk.groups);
    add_groups(host.end_groups, chunk.end_groups);
    add_groups(host.end_keys, chunk.end_keys);
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
