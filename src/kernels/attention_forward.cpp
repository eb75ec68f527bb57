// SPDX-License-Identifier: Apache-2.0
// A group of neighbouring queries is the unit of work; its queries are the elements of packs (pack.hpp), so no sum runs
// across them and none depends on the schedule.
#include "core/math.hpp"
#include "kernels/attention.hpp"
#include "kernels/pack.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void attention_forward(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& groups,
                       Arg<ConstMatrix<ExecSpace, Scalar>> qkv, Matrix<ExecSpace, Scalar> out,
                       Matrix<ExecSpace, Scalar> log_normaliser) {
    assert_views<2, 2, 2, 1>(space, qkv, out, log_normaliser, groups.first);
    using Queries = Pack<ExecSpace, Scalar>;
    using Rows = IndexPack<ExecSpace, Scalar>;
    constexpr int block = attention_block;
    int const dim = shape.head_dim, heads = shape.heads, kv_heads = shape.kv_heads;
    int const group_count = static_cast<int>(groups.first.extent(0));
    auto const first_row = groups.first, row_count = groups.count, begin = groups.begin, shift = groups.shift;
    Scalar const scale = static_cast<Scalar>(1.0 / Kokkos::sqrt(static_cast<double>(dim)));
    Kokkos::parallel_for(
        "alignsweep::kernels::attention::forward", Kokkos::RangePolicy<ExecSpace>(space, 0, group_count * heads),
        KOKKOS_LAMBDA(int item) {
            int const group = item / heads, head = item % heads;
            int const first = first_row(group), count = row_count(group), last = first + count - 1;
            int const key_column = (heads + head / (heads / kv_heads)) * dim;
            int const value_column = key_column + kv_heads * dim;
            Queries const lowest = Queries{} - Scalar(1e30);
            Queries query[max_head_dim], sum[max_head_dim], largest = lowest, normaliser{};
            // Elements past the group's last row repeat it, and are not stored.
            Rows const row = pack_of<Rows>([&](int l) { return l < count ? first + l : last; });
            load_columns<Queries>(
                dim, [&](int l) { return &qkv(element(row, l), head * dim); }, query);
            for (int d = 0; d < dim; ++d) {
                query[d] = query[d] * scale;
                sum[d] = Queries{};
            }
            for (int j = begin(group); j <= last; j += block) {
                Scalar const *key[block], *value[block];
#pragma GCC unroll 8
                for (int b = 0; b < block; ++b) {  // past the last row: seen by no query
                    key[b] = &qkv(j + b < last ? j + b : last, key_column);
                    value[b] = &qkv(j + b < last ? j + b : last, value_column);
                }
                Queries weight[block];
#pragma GCC unroll 8
                for (int b = 0; b < block; ++b) { weight[b] = Queries{}; }
                for (int d = 0; d < dim; ++d) {
                    Queries const q = query[d];
#pragma GCC unroll 8
                    for (int b = 0; b < block; ++b) { weight[b] = fused(q, key[b][d], weight[b]); }
                }
                Queries now = largest;
#pragma GCC unroll 8
                for (int b = 0; b < block; ++b) {
                    weight[b] = row >= j + b ? weight[b] : lowest;
                    now = weight[b] > now ? weight[b] : now;
                }
                Queries const rescale = exp_of(largest - now);
                largest = now;
                normaliser = normaliser * rescale;
#pragma GCC unroll 8
                for (int b = 0; b < block; ++b) {
                    weight[b] = exp_of(weight[b] - now);
                    normaliser += weight[b];
                }
                for (int d = 0; d < dim; ++d) {
                    Queries total = sum[d] * rescale;
#pragma GCC unroll 8
                    for (int b = 0; b < block; ++b) { total = fused(weight[b], value[b][d], total); }
                    sum[d] = total;
                }
            }
            Queries const inverse = Scalar(1) / normaliser;
            for (int d = 0; d < dim; ++d) { sum[d] = sum[d] * inverse; }
            int const to = first - shift(group);
            store_columns<Queries>(dim, count, sum, [&](int l) { return &out(to + l, head * dim); });
            for (int l = 0; l < count; ++l) {
                log_normaliser(to + l, head) = element(largest, l) + core::math::log(element(normaliser, l));
            }
        });
}

template <class ExecSpace, class Scalar>
int query_lanes() {
    return lanes<ExecSpace, Scalar>;
}

#define INSTANTIATE(E, S)                                                                                       \
    template int query_lanes<E, S>();                                                                           \
    template void attention_forward<E, S>(E const&, HeadShape const&, TokenGroups<E> const&, ConstMatrix<E, S>, \
                                          Matrix<E, S>, Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
