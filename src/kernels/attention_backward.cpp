// SPDX-License-Identifier: Apache-2.0
// Two kernels, so that nothing is added from two places: one owns queries (the elements of its packs), one owns keys
// and values (likewise, and its loop runs over the query heads of the group).
#include "core/math.hpp"
#include "kernels/attention.hpp"
#include "kernels/pack.hpp"

namespace alignsweep::kernels {

namespace {

// along[n, h] = sum_d dout[n, h, d] out[n, h, d]: what the softmax's Jacobian subtracts from every weight's gradient.
template <class ExecSpace, class Scalar>
void project_on_output(ExecSpace const& space, HeadShape const& shape, ConstMatrix<ExecSpace, Scalar> out,
                       ConstMatrix<ExecSpace, Scalar> dout, Matrix<ExecSpace, Scalar> along) {
    int const dim = shape.head_dim, heads = shape.heads;
    Kokkos::parallel_for(
        "alignsweep::kernels::attention::along",
        Kokkos::RangePolicy<ExecSpace>(space, 0, along.extent(0) * along.extent(1)), KOKKOS_LAMBDA(int item) {
            int const n = item / heads, head = item % heads;
            Scalar total = 0;
            for (int d = 0; d < dim; ++d) {
                total = core::math::fused(out(n, head * dim + d), dout(n, head * dim + d), total);
            }
            along(n, head) = total;
        });
}

template <class ExecSpace, class Scalar>
void query_gradient(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& groups,
                    ConstMatrix<ExecSpace, Scalar> qkv, ConstMatrix<ExecSpace, Scalar> dout,
                    ConstMatrix<ExecSpace, Scalar> log_normaliser, ConstMatrix<ExecSpace, Scalar> along,
                    Matrix<ExecSpace, Scalar> dqkv) {
    using Queries = Pack<ExecSpace, Scalar>;
    using Rows = IndexPack<ExecSpace, Scalar>;
    constexpr int block = 4;  // keys that stay in registers together
    int const dim = shape.head_dim, heads = shape.heads, kv_heads = shape.kv_heads;
    int const group_count = static_cast<int>(groups.first.extent(0));
    auto const first_row = groups.first, row_count = groups.count, begin = groups.begin, shift = groups.shift;
    Scalar const scale = static_cast<Scalar>(1.0 / Kokkos::sqrt(static_cast<double>(dim)));
    Kokkos::parallel_for(
        "alignsweep::kernels::attention::query_gradient", Kokkos::RangePolicy<ExecSpace>(space, 0, group_count * heads),
        KOKKOS_LAMBDA(int item) {
            int const group = item / heads, head = item % heads, back = shift(group);
            int const first = first_row(group), count = row_count(group), last = first + count - 1;
            int const key_column = (heads + head / (heads / kv_heads)) * dim;
            int const value_column = key_column + kv_heads * dim;
            Queries query[max_head_dim], up[max_head_dim], dquery[max_head_dim];
            // Elements past the group's last row repeat it, and are not stored.
            Rows const row = pack_of<Rows>([&](int l) { return l < count ? first + l : last; });
            load_columns<Queries>(
                dim, [&](int l) { return &qkv(element(row, l), head * dim); }, query);
            load_columns<Queries>(
                dim, [&](int l) { return &dout(element(row, l) - back, head * dim); }, up);
            for (int d = 0; d < dim; ++d) {
                query[d] = query[d] * scale;
                dquery[d] = Queries{};
            }
            Queries const normaliser =
                pack_of<Queries>([&](int l) { return log_normaliser(element(row, l) - back, head); });
            Queries const mean = pack_of<Queries>([&](int l) { return along(element(row, l) - back, head); });
            for (int j = begin(group); j <= last; j += block) {
                Scalar const *key[block], *value[block];
#pragma GCC unroll 8
                for (int b = 0; b < block; ++b) {  // past the last row: seen by no query
                    key[b] = &qkv(j + b < last ? j + b : last, key_column);
                    value[b] = &qkv(j + b < last ? j + b : last, value_column);
                }
                Queries score[block], dweight[block];
#pragma GCC unroll 8
                for (int b = 0; b < block; ++b) { score[b] = dweight[b] = Queries{}; }
                for (int d = 0; d < dim; ++d) {
                    Queries const q = query[d], u = up[d];
#pragma GCC unroll 8
                    for (int b = 0; b < block; ++b) {
                        score[b] = fused(q, key[b][d], score[b]);
                        dweight[b] = fused(u, value[b][d], dweight[b]);
                    }
                }
#pragma GCC unroll 8
                for (int b = 0; b < block; ++b) {
                    Queries const weight = row >= j + b ? exp_of<Queries>(score[b] - normaliser) : Queries{};
                    score[b] = weight * (dweight[b] - mean);
                }
                for (int d = 0; d < dim; ++d) {
                    Queries total = dquery[d];
#pragma GCC unroll 8
                    for (int b = 0; b < block; ++b) { total = fused(score[b], key[b][d], total); }
                    dquery[d] = total;
                }
            }
            for (int d = 0; d < dim; ++d) { dquery[d] = dquery[d] * scale; }
            store_columns<Queries>(dim, count, dquery, [&](int l) { return &dqkv(first + l, head * dim); });
        });
}

template <class ExecSpace, class Scalar>
void key_value_gradient(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& groups,
                        ConstMatrix<ExecSpace, Scalar> qkv, ConstMatrix<ExecSpace, Scalar> dout,
                        ConstMatrix<ExecSpace, Scalar> log_normaliser, ConstMatrix<ExecSpace, Scalar> along,
                        Matrix<ExecSpace, Scalar> dqkv) {
    using Keys = Pack<ExecSpace, Scalar>;
    using Rows = IndexPack<ExecSpace, Scalar>;
    constexpr int block = 4;  // queries that stay in registers together
    int const dim = shape.head_dim, heads = shape.heads, kv_heads = shape.kv_heads;
    int const shared = heads / kv_heads;
    int const group_count = static_cast<int>(groups.first.extent(0));
    auto const first_row = groups.first, row_count = groups.count, begin = groups.begin, end = groups.end,
               shift = groups.shift;
    Scalar const scale = static_cast<Scalar>(1.0 / Kokkos::sqrt(static_cast<double>(dim)));
    Kokkos::parallel_for(
        "alignsweep::kernels::attention::key_value_gradient",
        Kokkos::RangePolicy<ExecSpace>(space, 0, group_count * kv_heads), KOKKOS_LAMBDA(int item) {
            int const group = item / kv_heads, kv_head = item % kv_heads, back = shift(group);
            int const first = first_row(group), count = row_count(group), last = end(group) - 1;
            int const key_column = (heads + kv_head) * dim, value_column = key_column + kv_heads * dim;
            Keys key[max_head_dim], value[max_head_dim], dkey[max_head_dim], dvalue[max_head_dim];
            // Elements past the group's last row repeat it, and are not stored.
            Rows const row = pack_of<Rows>([&](int l) { return first + (l < count ? l : count - 1); });
            load_columns<Keys>(
                dim, [&](int l) { return &qkv(element(row, l), key_column); }, key);
            load_columns<Keys>(
                dim, [&](int l) { return &qkv(element(row, l), value_column); }, value);
            for (int d = 0; d < dim; ++d) {
                key[d] = key[d] * scale;
                dkey[d] = dvalue[d] = Keys{};
            }
            for (int h = kv_head * shared; h < (kv_head + 1) * shared; ++h) {
                for (int i = Kokkos::max(first, begin(group)); i <= last; i += block) {
                    Scalar const *query[block], *up[block];
                    Keys weight[block], dscore[block];
#pragma GCC unroll 8
                    for (int b = 0; b < block; ++b) {
                        int const at = i + b < last ? i + b : last;
                        query[b] = &qkv(at, h * dim);
                        up[b] = &dout(at - back, h * dim);
                        weight[b] = dscore[b] = Keys{};
                    }
                    for (int d = 0; d < dim; ++d) {
                        Keys const k = key[d], v = value[d];
#pragma GCC unroll 8
                        for (int b = 0; b < block; ++b) {
                            weight[b] = fused(k, query[b][d], weight[b]);
                            dscore[b] = fused(v, up[b][d], dscore[b]);
                        }
                    }
#pragma GCC unroll 8
                    for (int b = 0; b < block; ++b) {
                        int const at = i + b < last ? i + b : last;
                        // A query past the sequence's last row sees nothing.
                        int const sees = i + b <= last ? at : -1;
                        weight[b] = row <= sees ? exp_of<Keys>(weight[b] - log_normaliser(at - back, h)) : Keys{};
                        dscore[b] = weight[b] * (dscore[b] - along(at - back, h));
                    }
                    for (int d = 0; d < dim; ++d) {
                        Keys of_key = dkey[d], of_value = dvalue[d];
#pragma GCC unroll 8
                        for (int b = 0; b < block; ++b) {
                            of_key = fused(dscore[b], query[b][d], of_key);
                            of_value = fused(weight[b], up[b][d], of_value);
                        }
                        dkey[d] = of_key;
                        dvalue[d] = of_value;
                    }
                }
            }
            for (int d = 0; d < dim; ++d) { dkey[d] = dkey[d] * scale; }
            store_columns<Keys>(dim, count, dkey, [&](int l) { return &dqkv(first + l, key_column); });
            store_columns<Keys>(dim, count, dvalue, [&](int l) { return &dqkv(first + l, value_column); });
        });
}

}  // namespace

template <class ExecSpace, class Scalar>
void attention_backward(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& queries,
                        TokenGroups<ExecSpace> const& keys, Arg<ConstMatrix<ExecSpace, Scalar>> qkv,
                        Arg<ConstMatrix<ExecSpace, Scalar>> out, Arg<ConstMatrix<ExecSpace, Scalar>> dout,
                        Arg<ConstMatrix<ExecSpace, Scalar>> log_normaliser, Matrix<ExecSpace, Scalar> dqkv) {
    assert_views<2, 2, 2, 2, 2, 1, 1>(space, qkv, out, dout, log_normaliser, dqkv, queries.first, keys.first);
    Matrix<ExecSpace, Scalar> along(
        Kokkos::view_alloc(space, Kokkos::WithoutInitializing, "alignsweep::kernels::attention::along"), out.extent(0),
        shape.heads);
    project_on_output<ExecSpace, Scalar>(space, shape, out, dout, along);
    query_gradient<ExecSpace, Scalar>(space, shape, queries, qkv, dout, log_normaliser, along, dqkv);
    key_value_gradient<ExecSpace, Scalar>(space, shape, keys, qkv, dout, log_normaliser, along, dqkv);
}

#define INSTANTIATE(E, S)                                                                                              \
    template void attention_backward<E, S>(E const&, HeadShape const&, TokenGroups<E> const&, TokenGroups<E> const&,   \
                                           ConstMatrix<E, S>, ConstMatrix<E, S>, ConstMatrix<E, S>, ConstMatrix<E, S>, \
                                           Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
