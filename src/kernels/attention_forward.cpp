// SPDX-License-Identifier: Apache-2.0
// A group of neighbouring queries is the unit of work; its queries are SIMD lanes (one lane on a device), so no sum
// runs across lanes and none depends on the schedule.
#include "kernels/attention.hpp"
#include "kernels/math.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
void attention_forward(ExecSpace const& space, HeadShape const& shape, TokenGroups<ExecSpace> const& groups,
                       Arg<ConstMatrix<ExecSpace, Scalar>> qkv, Matrix<ExecSpace, Scalar> out,
                       Matrix<ExecSpace, Scalar> log_normaliser) {
    constexpr int width = lanes<ExecSpace, Scalar>;
    int const dim = shape.head_dim, heads = shape.heads, kv_heads = shape.kv_heads;
    int const group_count = static_cast<int>(groups.first.extent(0));
    auto const first_row = groups.first, row_count = groups.count, begin = groups.begin;
    Scalar const scale = static_cast<Scalar>(1.0 / Kokkos::sqrt(static_cast<double>(dim)));
    Kokkos::parallel_for(
        "alignsweep::kernels::attention::forward", Kokkos::RangePolicy<ExecSpace>(space, 0, group_count * heads),
        KOKKOS_LAMBDA(int item) {
            int const group = item / heads, head = item % heads;
            int const first = first_row(group), count = row_count(group);
            int const key_column = (heads + head / (heads / kv_heads)) * dim;
            int const value_column = key_column + kv_heads * dim;
            Scalar query[max_head_dim][width], sum[max_head_dim][width];
            Scalar largest[width], normaliser[width];
            for (int d = 0; d < dim; ++d) {
                for (int l = 0; l < width; ++l) {
                    query[d][l] = l < count ? qkv(first + l, head * dim + d) * scale : Scalar(0);
                    sum[d][l] = 0;
                }
            }
#pragma omp simd
            for (int l = 0; l < width; ++l) {
                largest[l] = Scalar(-1e30);
                normaliser[l] = 0;
            }
            for (int j = begin(group); j < first + count; ++j) {
                Scalar const* const key = &qkv(j, key_column);
                Scalar const* const value = &qkv(j, value_column);
                Scalar score[width], weight[width], rescale[width];
#pragma omp simd
                for (int l = 0; l < width; ++l) { score[l] = 0; }
                for (int d = 0; d < dim; ++d) {
#pragma omp simd
                    for (int l = 0; l < width; ++l) { score[l] += query[d][l] * key[d]; }
                }
#pragma omp simd
                for (int l = 0; l < width; ++l) {
                    bool const visible = j <= first + l;
                    Scalar const now = visible && score[l] > largest[l] ? score[l] : largest[l];
                    rescale[l] = exp_of(largest[l] - now);
                    weight[l] = visible ? exp_of(score[l] - now) : Scalar(0);
                    normaliser[l] = normaliser[l] * rescale[l] + weight[l];
                    largest[l] = now;
                }
                for (int d = 0; d < dim; ++d) {
#pragma omp simd
                    for (int l = 0; l < width; ++l) { sum[d][l] = sum[d][l] * rescale[l] + weight[l] * value[d]; }
                }
            }
            for (int l = 0; l < count; ++l) {
                Scalar const inverse = Scalar(1) / normaliser[l];
                for (int d = 0; d < dim; ++d) { out(first + l, head * dim + d) = sum[d][l] * inverse; }
                log_normaliser(first + l, head) = largest[l] + Kokkos::log(normaliser[l]);
            }
        });
}

#define INSTANTIATE(E, S)                                                                                       \
    template void attention_forward<E, S>(E const&, HeadShape const&, TokenGroups<E> const&, ConstMatrix<E, S>, \
                                          Matrix<E, S>, Matrix<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
