// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce.hpp"

#include "kernels/row.hpp"

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
double sum_of_squares(ExecSpace const& space, Arg<ConstVector<ExecSpace, Scalar>> values) {
    assert_views<1>(space, values);
    int const size = static_cast<int>(values.extent(0));
    int const blocks = (size + elements_per_block - 1) / elements_per_block;
    Vector<ExecSpace, double> partial(
        Kokkos::view_alloc(space, Kokkos::WithoutInitializing, "alignsweep::kernels::sum_of_squares::partial"), blocks);
    for_each_row(
        space, "alignsweep::kernels::sum_of_squares::blocks", blocks,
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int block) {
            Scalar const* const x = values.data() + block * elements_per_block;
            int const count = Kokkos::min(int{elements_per_block}, size - block * elements_per_block);
            double const total = row.template sum<double>(
                count, [&](int i) { return static_cast<double>(x[i]) * static_cast<double>(x[i]); });
            row.once([&] { partial(block) = total; });
        });
    auto const host = Kokkos::create_mirror_view(Kokkos::view_alloc(Kokkos::WithoutInitializing), partial);
    Kokkos::deep_copy(space, host, partial);
    space.fence("alignsweep::kernels::sum_of_squares: the blocks' sums go to the host");
    double total = 0;
    for (int block = 0; block < blocks; ++block) { total += host(block); }
    return total;
}

template <class ExecSpace, class Scalar>
void add(ExecSpace const& space, Arg<ConstVector<ExecSpace, Scalar>> from, Vector<ExecSpace, Scalar> into) {
    assert_views<1, 1>(space, from, into);
    Kokkos::parallel_for(
        "alignsweep::kernels::add", Kokkos::RangePolicy<ExecSpace>(space, 0, into.extent(0)),
        KOKKOS_LAMBDA(std::int64_t i) { into(i) += from(i); });
}

template <class ExecSpace, class Scalar>
void blend(ExecSpace const& space, double share, Arg<ConstVector<ExecSpace, Scalar>> from,
           Vector<ExecSpace, Scalar> into) {
    assert_views<1, 1>(space, from, into);
    Kokkos::parallel_for(
        "alignsweep::kernels::blend", Kokkos::RangePolicy<ExecSpace>(space, 0, into.extent(0)),
        KOKKOS_LAMBDA(std::int64_t i) { into(i) = static_cast<Scalar>(share * from(i) + (1.0 - share) * into(i)); });
}

#define INSTANTIATE(E, S)                                               \
    template double sum_of_squares<E, S>(E const&, ConstVector<E, S>);  \
    template void add<E, S>(E const&, ConstVector<E, S>, Vector<E, S>); \
    template void blend<E, S>(E const&, double, ConstVector<E, S>, Vector<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
