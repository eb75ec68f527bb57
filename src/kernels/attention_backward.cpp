// SPDX-License-Identifier: Apache-2.0
// Two kernels, so that nothing is added from two places: one owns queries (lanes are queries), one owns keys and
// values (lanes are keys, and the loop runs over the query heads of the group).
#include "kernels/attention.hpp"
#include "kernels/math.hpp"

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
            for (int d = 0; d < dim; ++d) { total += out(n, head * dim + d) * dout(n, head * dim + d); }
            along(n, head) = total;
        });
}

template <class ExecSpace, class Scalar>
void query_gradient(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& groups,
                    ConstMatrix<ExecSpace, Scalar> qkv, ConstMatrix<ExecSpace, Scalar> dout,
                    ConstMatrix<ExecSpace, Scalar> log_normaliser, ConstMatrix<ExecSpace, Scalar> along,
                    Matrix<ExecSpace, Scalar> dqkv) {
    constexpr int width = lanes<ExecSpace, Scalar>;
    int const dim = shape.head_dim, heads = shape.heads, kv_heads = shape.kv_heads;
    int const group_count = static_cast<int>(groups.first.extent(0));
    auto const first_row = groups.first, row_count = groups.count, begin = groups.begin;
    Scalar const scale = static_cast<Scalar>(1.0 / Kokkos::sqrt(static_cast<double>(dim)));
    Kokkos::parallel_for(
        "alignsweep::kernels::attention::query_gradient", Kokkos::RangePolicy<ExecSpace>(space, 0, group_count * heads),
        KOKKOS_LAMBDA(int item) {
            int const group = item / heads, head = item % heads;
            int const first = first_row(group), count = row_count(group);
            int const key_column = (heads + head / (heads / kv_heads)) * dim;
            int const value_column = key_column + kv_heads * dim;
            Scalar query[max_head_dim][width], up[max_head_dim][width], dquery[max_head_dim][width];
            Scalar shift[width], mean[width];
            for (int d = 0; d < dim; ++d) {
                for (int l = 0; l < width; ++l) {
                    query[d][l] = l < count ? qkv(first + l, head * dim + d) * scale : Scalar(0);
                    up[d][l] = l < count ? dout(first + l, head * dim + d) : Scalar(0);
                    dquery[d][l] = 0;
                }
            }
#pragma omp simd
            for (int l = 0; l < width; ++l) {
                shift[l] = l < count ? log_normaliser(first + l, head) : Scalar(0);
                mean[l] = l < count ? along(first + l, head) : Scalar(0);
            }
            for (int j = begin(group); j < first + count; ++j) {
                Scalar const* const key = &qkv(j, key_column);
                Scalar const* const value = &qkv(j, value_column);
                Scalar score[width], dweight[width];
#pragma omp simd
                for (int l = 0; l < width; ++l) { score[l] = dweight[l] = 0; }
                for (int d = 0; d < dim; ++d) {
#pragma omp simd
                    for (int l = 0; l < width; ++l) {
                        score[l] += query[d][l] * key[d];
                        dweight[l] += up[d][l] * value[d];
                    }
                }
#pragma omp simd
                for (int l = 0; l < width; ++l) {
                    Scalar const weight = j <= first + l ? exp_of(score[l] - shift[l]) : Scalar(0);
                    score[l] = weight * (dweight[l] - mean[l]);
                }
                for (int d = 0; d < dim; ++d) {
#pragma omp simd
                    for (int l = 0; l < width; ++l) { dquery[d][l] += score[l] * key[d]; }
                }
            }
            for (int l = 0; l < count; ++l) {
                for (int d = 0; d < dim; ++d) { dqkv(first + l, head * dim + d) = dquery[d][l] * scale; }
            }
        });
}

template <class ExecSpace, class Scalar>
void key_value_gradient(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& groups,
                        ConstMatrix<ExecSpace, Scalar> qkv, ConstMatrix<ExecSpace, Scalar> dout,
                        ConstMatrix<ExecSpace, Scalar> log_normaliser, ConstMatrix<ExecSpace, Scalar> along,
                        Matrix<ExecSpace, Scalar> dqkv) {
    constexpr int width = lanes<ExecSpace, Scalar>;
    int const dim = shape.head_dim, heads = shape.heads, kv_heads = shape.kv_heads;
    int const shared = heads / kv_heads;
    int const group_count = static_cast<int>(groups.first.extent(0));
    auto const first_row = groups.first, row_count = groups.count, end = groups.end;
    Scalar const scale = static_cast<Scalar>(1.0 / Kokkos::sqrt(static_cast<double>(dim)));
    Kokkos::parallel_for(
        "alignsweep::kernels::attention::key_value_gradient",
        Kokkos::RangePolicy<ExecSpace>(space, 0, group_count * kv_heads), KOKKOS_LAMBDA(int item) {
            int const group = item / kv_heads, kv_head = item % kv_heads;
            int const first = first_row(group), count = row_count(group);
            int const key_column = (heads + kv_head) * dim, value_column = key_column + kv_heads * dim;
            Scalar key[max_head_dim][width], value[max_head_dim][width];
            Scalar dkey[max_head_dim][width], dvalue[max_head_dim][width];
            for (int d = 0; d < dim; ++d) {
                for (int l = 0; l < width; ++l) {
                    key[d][l] = l < count ? qkv(first + l, key_column + d) * scale : Scalar(0);
                    value[d][l] = l < count ? qkv(first + l, value_column + d) : Scalar(0);
                    dkey[d][l] = dvalue[d][l] = 0;
                }
            }
            for (int i = first; i < end(group); ++i) {
                for (int h = kv_head * shared; h < (kv_head + 1) * shared; ++h) {
                    Scalar const* const query = &qkv(i, h * dim);
                    Scalar const* const up = &dout(i, h * dim);
                    Scalar const shift = log_normaliser(i, h), mean = along(i, h);
                    Scalar weight[width], dscore[width];
#pragma omp simd
                    for (int l = 0; l < width; ++l) { weight[l] = dscore[l] = 0; }
                    for (int d = 0; d < dim; ++d) {
#pragma omp simd
                        for (int l = 0; l < width; ++l) {
                            weight[l] += query[d] * key[d][l];
                            dscore[l] += up[d] * value[d][l];
                        }
                    }
#pragma omp simd
                    for (int l = 0; l < width; ++l) {
                        weight[l] = first + l <= i ? exp_of(weight[l] - shift) : Scalar(0);
                        dscore[l] = weight[l] * (dscore[l] - mean);
                    }
                    for (int d = 0; d < dim; ++d) {
#pragma omp simd
                        for (int l = 0; l < width; ++l) {
                            dkey[d][l] += dscore[l] * query[d];
                            dvalue[d][l] += weight[l] * up[d];
                        }
                    }
                }
            }
            for (int l = 0; l < count; ++l) {
                for (int d = 0; d < dim; ++d) {
                    dqkv(first + l, key_column + d) = dkey[d][l] * scale;
                    dqkv(first + l, value_column + d) = dvalue[d][l];
                }
            }
        });
}

}  // namespace

template <class ExecSpace, class Scalar>
void attention_backward(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& groups,
                        Arg<ConstMatrix<ExecSpace, Scalar>> qkv, Arg<ConstMatrix<ExecSpace, Scalar>> out,
                        Arg<ConstMatrix<ExecSpace, Scalar>> dout, Arg<ConstMatrix<ExecSpace, Scalar>> log_normaliser,
                        Matrix<ExecSpace, Scalar> dqkv) {
    Matrix<ExecSpace, Scalar> along(
        Kokkos::view_alloc(space, Kokkos::WithoutInitializing, "alignsweep::kernels::attention::along"), out.extent(0),
        shape.heads);
    project_on_output<ExecSpace, Scalar>(space, shape, out, dout, along);
    query_gradient<ExecSpace, Scalar>(space, shape, groups, qkv, dout, log_normaliser, along, dqkv);
    key_value_gradient<ExecSpace, Scalar>(space, shape, groups, qkv, dout, log_normaliser, along, dqkv);
}

#define INSTANTIATE(E, S)                                                                                        \
    template void attention_backward<E, S>(E const&, HeadShape const&, TokenGroups<E> const&, ConstMatrix<E, S>, \
                                           ConstMatrix<E, S>, ConstMatrix<E, S>, ConstMatrix<E, S>, Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
