// SPDX-License-Identifier: Apache-2.0
// Causal grouped-query attention over packed sequences, and over a key/value cache for one new token a sequence.
// Softmax is computed online (Milakov & Gimelshein, arXiv:1805.02867); the backward pass recomputes the weights from
// the stored log-normaliser (Dao et al., arXiv:2205.14135, section 3.1).
#pragma once

#include "kernels/types.hpp"

namespace alignsweep::kernels {

// Heads of the packed projection: row n of qkv is [query heads | key heads | value heads], each head_dim wide.
// Query head h reads key/value head h / (heads / kv_heads).
struct HeadShape {
    int heads, kv_heads, head_dim;
    [[nodiscard]] KOKKOS_INLINE_FUNCTION int qkv_width() const { return (heads + 2 * kv_heads) * head_dim; }
};
inline constexpr int max_head_dim = 128;

// Softmax goes over the keys of a sequence in blocks of so many from its first: for each block the largest score so
// far, the old sums rescaled, then the block's keys added in order. Scores are chains of fused multiply-adds over the
// head's dimension, sums over keys chains over the keys. Queries, or lanes, are independent: bits do not depend on how
// many are computed side by side, and one new token gets those that it would have in a whole sequence.
inline constexpr int attention_block = 8;

// Groups of query_lanes neighbouring tokens of one sequence: group g starts at row first[g], holds count[g] rows and
// belongs to the sequence of rows [begin[g], end[g]). What a query has besides its row of qkv (out, its derivative,
// log_normaliser) stands in row n - shift[g]: queries may be only some of the rows.
template <class ExecSpace>
struct TokenGroups {
    Indices<ExecSpace> first, count, begin, end, shift;
};
template <class ExecSpace, class Scalar>
[[nodiscard]] int query_lanes();

// out[n, heads * D] = softmax(q k^T / sqrt(D)) v over the keys of n's sequence up to n, and log_normaliser[n, heads],
// for the rows n of the groups.
template <class ExecSpace, class Scalar>
void attention_forward(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& groups,
                       Arg<ConstMatrix<ExecSpace, Scalar>> qkv, Matrix<ExecSpace, Scalar> out,
                       Matrix<ExecSpace, Scalar> log_normaliser);

// dqkv (overwritten, same layout as qkv) from dout[n, heads * D]: the queries' part in the rows of `queries`, keys' and
// values' in those of `keys`, for which only queries from row begin[g] on count. No bit depends on whether a query
// whose dout is 0 counts.
template <class ExecSpace, class Scalar>
void attention_backward(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& queries,
                        TokenGroups<ExecSpace> const& keys, Arg<ConstMatrix<ExecSpace, Scalar>> qkv,
                        Arg<ConstMatrix<ExecSpace, Scalar>> out, Arg<ConstMatrix<ExecSpace, Scalar>> dout,
                        Arg<ConstMatrix<ExecSpace, Scalar>> log_normaliser, Matrix<ExecSpace, Scalar> dqkv);

// Keys of one layer, [slots, kv_heads * D, context rounded up to cached_multiple], so that those side by side are read
// together, and values, [slots, context, kv_heads * D].
inline constexpr int cached_multiple = 32;
template <class ExecSpace, class Scalar>
struct LayerCache {
    Kokkos::View<Scalar***, Kokkos::LayoutRight, ExecSpace> keys, values;
};

// Copies keys and values of every row n of qkv to cache position (slot[n], position[n]).
template <class ExecSpace, class Scalar>
void store_in_cache(ExecSpace const& space, HeadShape const& shape, Arg<Indices<ExecSpace>> slot,
                    Arg<Indices<ExecSpace>> position, Arg<ConstMatrix<ExecSpace, Scalar>> qkv,
                    LayerCache<ExecSpace, Scalar> const& cache);

// One new token a row: out[n, heads * D] over the cached positions 0 .. position[n] of slot[n].
template <class ExecSpace, class Scalar>
void attention_decode(ExecSpace const& space, HeadShape const& shape, Arg<Indices<ExecSpace>> slot,
                      Arg<Indices<ExecSpace>> position, Arg<ConstMatrix<ExecSpace, Scalar>> qkv,
                      LayerCache<ExecSpace, Scalar> const& cache, Matrix<ExecSpace, Scalar> out);

}  // namespace alignsweep::kernels
