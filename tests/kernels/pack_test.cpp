// SPDX-License-Identifier: Apache-2.0
#include "kernels/pack.hpp"
#include "support/device.hpp"

namespace alignsweep::kernels {
namespace {

using test::Exec;

// Loads `count` columns of as many rows as a pack has, and stores those of `rows` rows elsewhere, over -1.
template <class Scalar>
void columns_come_and_go(int count, int rows) {
    constexpr int width = lanes<Exec, Scalar>;
    int const apart = count + 3;
    test::Vector<Scalar> const from("from", width * apart), to("to", width * apart), columns("columns", count * width);
    Kokkos::deep_copy(to, Scalar(-1));
    Kokkos::parallel_for(
        "alignsweep::test::fill", Kokkos::RangePolicy<Exec>(0, width * apart),
        KOKKOS_LAMBDA(int i) { from(i) = static_cast<Scalar>(i); });
    Kokkos::parallel_for(
        "alignsweep::test::columns", Kokkos::RangePolicy<Exec>(0, 1), KOKKOS_LAMBDA(int) {
            Pack<Exec, Scalar> packs[70];
            load_columns<Pack<Exec, Scalar>>(
                count, [&](int l) { return &from(l * apart); }, packs);
            for (int d = 0; d < count; ++d) {
                for (int l = 0; l < width; ++l) { columns(d * width + l) = element(packs[d], l); }
            }
            store_columns<Pack<Exec, Scalar>>(count, rows, packs, [&](int l) { return &to(l * apart); });
        });
    auto const loaded = test::to_doubles<Scalar>(columns), stored = test::to_doubles<Scalar>(to);
    for (int l = 0; l < width; ++l) {
        for (int d = 0; d < apart; ++d) {
            double const number = l * apart + d;
            if (d < count) {
                EXPECT_EQ(loaded[static_cast<std::size_t>(d * width + l)], number) << "column " << d << " of " << count;
            }
            EXPECT_EQ(stored[static_cast<std::size_t>(number)], d < count && l < rows ? number : -1.0)
                << "row " << l << " of " << rows << ", column " << d << " of " << count;
        }
    }
}

TEST(Packs, RowsBecomeColumnsAndComeBack) {
    for (int const count : {0, 1, 5, 8, 16, 17, 32, 70}) {
        for (int const rows : {1, lanes<Exec, float>}) { columns_come_and_go<float>(count, rows); }
        for (int const rows : {1, lanes<Exec, double>}) { columns_come_and_go<double>(count, rows); }
    }
}

}  // namespace
}  // namespace alignsweep::kernels
