// SPDX-License-Identifier: Apache-2.0
#include "core/math.hpp"
#include "kernels/attention.hpp"
#include "kernels/pack.hpp"
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
            Scalar* const value = &values(slot(n), position(n), 0);
            row.each(width, [&](int i) {
                keys(slot(n), i, position(n)) = from[i];
                value[i] = from[width + i];
            });
        });
}

template <class ExecSpace, class Scalar>
void attention_decode(ExecSpace const& space, HeadShape const& shape, Arg<Indices<ExecSpace>> slot,
                      Arg<Indices<ExecSpace>> position, Arg<ConstMatrix<ExecSpace, Scalar>> qkv,
                      LayerCache<ExecSpace, Scalar> const& cache, Matrix<ExecSpace, Scalar> out) {
    assert_views<1, 1, 2, 2, 3, 3>(space, slot, position, qkv, out, cache.keys, cache.values);
    using Keys = Pack<ExecSpace, Scalar>;
    constexpr int ahead = sum_lanes, blocks = ahead / attention_block;  // keys, and their blocks, at once
    constexpr int width = lanes<ExecSpace, Scalar>, side = is_host<ExecSpace> ? ahead / width : 1;
    auto const keys = cache.keys, values = cache.values;
    int const heads = shape.heads, dim = shape.head_dim, shared = shape.heads / shape.kv_heads;
    Scalar const scale = static_cast<Scalar>(1.0 / Kokkos::sqrt(static_cast<double>(dim)));
    for_each_row(
        space, "alignsweep::kernels::attention::decode", static_cast<int>(qkv.extent(0)) * heads,
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int item) {
            int const n = item / heads, head = item % heads, column = head / shared * dim;
            int const seen = position(n) + 1;
            Scalar const* const query = &qkv(n, head * dim);
            Scalar* const sum = &out(n, head * dim);
            auto const key_step = keys.stride(1), value_step = values.stride(1);
            Scalar const* const value_0 = &values(slot(n), 0, column);
            Scalar const lowest = Scalar(-1e30);
            row.each(dim, [&](int d) { sum[d] = 0; });
            Scalar largest = lowest, normaliser = 0;
            row.template with_shared<Scalar>([&](Scalar* weight) {
                for (int first = 0; first < seen; first += ahead) {
                    Scalar const* const key = &keys(slot(n), column, first);
                    row.each(ahead / (side * width), [&](int part) {
                        Keys score[side] = {};
                        for (int d = 0; d < dim; ++d) {
                            Scalar const q = query[d] * scale;
                            Scalar const* const at = key + d * key_step + part * side * width;
#pragma GCC unroll 16
                            for (int s = 0; s < side; ++s) {
                                score[s] = fused(loaded<Keys>(at + s * width), q, score[s]);
                            }
                        }
#pragma GCC unroll 16
                        for (int s = 0; s < side; ++s) { store(score[s], weight + (part * side + s) * width); }
                    });
                    row.each(ahead, [&](int l) { weight[l] = first + l < seen ? weight[l] : lowest; });
                    Scalar before[blocks], now[blocks], rescale[blocks];
#pragma GCC unroll 4
                    for (int k = 0; k < blocks; ++k) {
                        now[k] = weight[k * attention_block];
#pragma GCC unroll 8
                        for (int b = 1; b < attention_block; ++b) {
                            Scalar const score = weight[k * attention_block + b];
                            now[k] = score > now[k] ? score : now[k];
                        }
                    }
#pragma GCC unroll 4
                    for (int k = 0; k < blocks; ++k) {
                        before[k] = k == 0 ? largest : now[k - 1];
                        now[k] = now[k] > before[k] ? now[k] : before[k];
                    }
                    for (int k = 0; k < blocks; k += width) {
                        Keys const power = exp_of(pack_of<Keys>(
                            [&](int l) { return k + l < blocks ? before[k + l] - now[k + l] : Scalar(0); }));
                        for (int l = 0; l < width && k + l < blocks; ++l) { rescale[k + l] = element(power, l); }
                    }
                    largest = now[blocks - 1];
                    row.once([] {});  // all lanes have read the scores
                    row.each(ahead / width, [&](int part) {
                        Scalar* const at = weight + part * width;
                        auto const shift =
                            pack_of<Keys>([&](int l) { return now[(part * width + l) / attention_block]; });
                        store(exp_of(loaded<Keys>(at) - shift), at);
                    });
                    for (int k = 0; k < blocks && first + k * attention_block < seen; ++k) {
                        Scalar const* const block = weight + k * attention_block;
                        normaliser *= rescale[k];
#pragma GCC unroll 8
                        for (int b = 0; b < attention_block; ++b) { normaliser += block[b]; }
                        row.each(dim, [&](int d) {
                            Scalar total = sum[d] * rescale[k];
#pragma GCC unroll 8
                            for (int b = 0; b < attention_block; ++b) {  // past the last key: its value, weighted by 0
                                int const at = Kokkos::min(first + k * attention_block + b, seen - 1);
                                total = core::math::fused(block[b], value_0[at * value_step + d], total);
                            }
                            sum[d] = total;
                        });
                    }
                }
            });
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
