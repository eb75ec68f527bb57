// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.hpp"
#include "kernels/row.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void store_in_cache(ExecSpace const& space, HeadShape const& shape, Arg<Indices<ExecSpace>> slot,
                    Arg<Indices<ExecSpace>> position, Arg<ConstMatrix<ExecSpace, Scalar>> qkv,
                    LayerCache<ExecSpace, Scalar> const& cache) {
    assert_views<1, 1, 2, 3, 3>(space, slot, position, qkv, cache.keys, cache.values);
    auto const keys = cache.keys, values = cache.values;
    int const width = shape.kv_heads * shape.head_dim, key_column = shape.heads * shape.head_dim;
    for_each_row(
        space, "alignsweep::kernels::attention::store_in_cache", static_cast<int>(qkv.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const from = &qkv(n, key_column);
            Scalar* const key = &keys(slot(n), position(n), 0);
            Scalar* const value = &values(slot(n), position(n), 0);
            row.each(width, [&](int i) {
                key[i] = from[i];
                value[i] = from[width + i];
            });
        });
}

template <class ExecSpace, class Scalar>
void attention_decode(ExecSpace const& space, HeadShape const& shape, Arg<Indices<ExecSpace>> slot,
                      Arg<Indices<ExecSpace>> position, Arg<ConstMatrix<ExecSpace, Scalar>> qkv,
                      LayerCache<ExecSpace, Scalar> const& cache, Matrix<ExecSpace, Scalar> out) {
    assert_views<1, 1, 2, 2, 3, 3>(space, slot, position, qkv, out, cache.keys, cache.values);
    constexpr int width = lanes<ExecSpace, Scalar>;  // keys whose weights are computed side by side
    auto const keys = cache.keys, values = cache.values;
    int const heads = shape.heads, dim = shape.head_dim, shared = shape.heads / shape.kv_heads;
    Scalar const scale = static_cast<Scalar>(1.0 / Kokkos::sqrt(static_cast<double>(dim)));
    for_each_row(
        space, "alignsweep::kernels::attention::decode", static_cast<int>(qkv.extent(0)) * heads,
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int item) {
            int const n = item / heads, head = item % heads, column = head / shared * dim;
            Scalar const* const query = &qkv(n, head * dim);
            Scalar* const sum = &out(n, head * dim);
            row.each(dim, [&](int d) { sum[d] = 0; });
            Scalar largest = Scalar(-1e30), normaliser = 0;
            int const keys_seen = position(n) + 1;
            for (int first = 0; first < keys_seen; first += width) {
                int const count = Kokkos::min(width, keys_seen - first);
                Scalar weight[width], now = largest, total = 0;
                for (int l = 0; l < width; ++l) { weight[l] = Scalar(-1e30); }
                for (int l = 0; l < count; ++l) {
                    Scalar const* const key = &keys(slot(n), first + l, column);
                    weight[l] = scale * row.template sum<Scalar>(dim, [&](int d) { return query[d] * key[d]; });
                    now = weight[l] > now ? weight[l] : now;
                }
#pragma omp simd
                for (int l = 0; l < width; ++l) { weight[l] = exp_of(weight[l] - now); }
                for (int l = 0; l < width; ++l) { total += weight[l]; }
                Scalar const rescale = exp_of(largest - now);
                normaliser = normaliser * rescale + total;
                row.each(dim, [&](int d) { sum[d] *= rescale; });
                for (int l = 0; l < count; ++l) {
                    Scalar const* const value = &values(slot(n), first + l, column);
                    row.each(dim, [&](int d) { sum[d] += weight[l] * value[d]; });
                }
                largest = now;
            }
            Scalar const inverse = Scalar(1) / normaliser;
            row.each(dim, [&](int d) { sum[d] *= inverse; });
        });
}

#define INSTANTIATE(E, S)                                                                                       \
    template void store_in_cache<E, S>(E const&, HeadShape const&, Indices<E>, Indices<E>, ConstMatrix<E, S>,   \
                                       LayerCache<E, S> const&);                                                \
    template void attention_decode<E, S>(E const&, HeadShape const&, Indices<E>, Indices<E>, ConstMatrix<E, S>, \
                                         LayerCache<E, S> const&, Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
