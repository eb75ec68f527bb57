// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm_reference.hpp"
#include "support/device.hpp"

namespace alignsweep::kernels {
namespace {

using test::Array;
using test::Exec;

struct Case {
    int m, n, k;
    bool add = false;
};

std::string text_of(Op op_a, Op op_b, Case const& c) {
    return std::string(op_a == Op::none ? "N" : "T") + (op_b == Op::none ? "N" : "T") + " " + std::to_string(c.m) +
           "x" + std::to_string(c.n) + "x" + std::to_string(c.k);
}

std::size_t product_size(int rows, int columns) { return static_cast<std::size_t>(rows) * columns; }

// (c +) op(a) op(b) by its definition, in double.
std::vector<double> naive(Op op_a, Op op_b, Case const& s, std::vector<double> const& a, std::vector<double> const& b,
                          std::vector<double> const& c) {
    std::vector<double> out(product_size(s.m, s.n));
    for (int i = 0; i < s.m; ++i) {
        for (int j = 0; j < s.n; ++j) {
            double sum = 0.0;
            for (int l = 0; l < s.k; ++l) {
                double const left = op_a == Op::none ? a[product_size(i, s.k) + l] : a[product_size(l, s.m) + i];
                double const right = op_b == Op::none ? b[product_size(l, s.n) + j] : b[product_size(j, s.k) + l];
                sum += left * right;
            }
            std::size_t const at = product_size(i, s.n) + j;
            out[at] = sum + (s.add ? c[at] : 0.0);
        }
    }
    return out;
}

// One product by `gemm`, by the reference kernel, which has the same bits, and by the vendor's library if there is one,
// against the definition. `margin` columns are left unused at the end of every row: the matrices are parts of larger
// ones.
template <class Scalar>
void check(Op op_a, Op op_b, Case const& s, int margin = 0) {
    int const a_rows = op_a == Op::none ? s.m : s.k, a_columns = op_a == Op::none ? s.k : s.m;
    int const b_rows = op_b == Op::none ? s.k : s.n, b_columns = op_b == Op::none ? s.n : s.k;
    auto const a = test::normal_values(product_size(a_rows, a_columns), "a");
    auto const b = test::normal_values(product_size(b_rows, b_columns), "b");
    auto c = test::normal_values(product_size(s.m, s.n), "c");
    Array const want{{static_cast<std::size_t>(s.m), static_cast<std::size_t>(s.n)}, naive(op_a, op_b, s, a, b, c)};
    if (!s.add) { c.assign(c.size(), std::numeric_limits<double>::quiet_NaN()); }  // c may hold anything
    auto const part = [&](std::vector<double> const& values, int rows, int columns) {
        test::Matrix<Scalar> const whole("whole", rows, columns + margin);
        Kokkos::deep_copy(whole, Scalar(7));
        test::Matrix<Scalar> const view = Kokkos::subview(whole, Kokkos::ALL, std::pair(0, columns));
        Kokkos::deep_copy(view, test::to_matrix<Scalar>(values, rows, columns));
        return std::pair(whole, view);
    };
    auto const a_view = part(a, a_rows, a_columns).second, b_view = part(b, b_rows, b_columns).second;
    auto const tolerance = test::rounding<Scalar>(s.k);
    std::vector<double> portable;
    for (std::string const by : {"portable", "packed", "reference", "vendor"}) {
        auto const [whole, c_view] = part(c, s.m, s.n);
        if (by == "portable") {
            gemm<Exec, Scalar>(Exec(), op_a, op_b, a_view, b_view, s.add, c_view);
        } else if (by == "packed") {
            if (op_a == Op::transpose || op_b == Op::none) { continue; }
            auto const packed = pack_transposed<Exec, Scalar>(Exec(), b_view);
            gemm_packed<Exec, Scalar>(Exec(), a_view, b_view, packed, s.add, c_view);
        } else if (by == "reference") {
            gemm_reference<Exec, Scalar>(Exec(), op_a, op_b, a_view, b_view, s.add, c_view);
        } else if (!vendor_library().empty()) {
            vendor_gemm<Exec, Scalar>(Exec(), op_a, op_b, a_view, b_view, s.add, c_view);
        } else {
            continue;
        }
        Array got = test::to_array<Scalar>(whole);
        Array cut{want.shape, {}};
        for (std::size_t i = 0; i < got.values.size(); ++i) {
            if (static_cast<int>(i % (s.n + margin)) < s.n) {
                cut.values.push_back(got.values[i]);
            } else {
                EXPECT_EQ(got.values[i], 7.0) << "wrote beside its columns";
            }
        }
        EXPECT_TRUE(test::allclose(cut, want, tolerance)) << text_of(op_a, op_b, s) << " by " << by;
        if (by == "portable") { portable = cut.values; }
        if (by == "packed" || by == "reference") {
            EXPECT_EQ(cut.values, portable) << text_of(op_a, op_b, s) << ": other bits";
        }
    }
}

template <class Scalar, class Body>
void for_each_op(Body const& body) {
    for (Op const op_a : {Op::none, Op::transpose}) {
        for (Op const op_b : {Op::none, Op::transpose}) { body(op_a, op_b); }
    }
}

template <class Scalar>
void agrees_with_the_definition() {
    for_each_op<Scalar>([](Op op_a, Op op_b) {
        // Empty, single, odd remainders of every tile, and more rows than a tile.
        for (Case const& c : {Case{0, 3, 2}, Case{3, 0, 2}, Case{3, 2, 0}, Case{1, 1, 1}, Case{1, 17, 5},
                              Case{17, 1, 33}, Case{15, 16, 17}, Case{65, 31, 7}, Case{257, 19, 65}, Case{600, 9, 3},
                              Case{13, 33, 256}, Case{23, 70, 257}, Case{37, 61, 700}}) {
            check<Scalar>(op_a, op_b, c);
        }
    });
}

template <class Scalar>
void accumulates() {
    for_each_op<Scalar>([](Op op_a, Op op_b) {
        check<Scalar>(op_a, op_b, {33, 20, 9, true});
        check<Scalar>(op_a, op_b, {14, 35, 600, true});
        check<Scalar>(op_a, op_b, {5, 4, 0, true});  // an empty sum leaves c as it was
    });
}

template <class Scalar>
void multiplies_parts_of_larger_matrices() {
    for_each_op<Scalar>([](Op op_a, Op op_b) {
        check<Scalar>(op_a, op_b, {70, 13, 21, true}, 5);
        check<Scalar>(op_a, op_b, {300, 8, 11}, 3);
        check<Scalar>(op_a, op_b, {1, 1, 1}, 1);
    });
}

// An element does not depend on the rows and columns beside it.
template <class Scalar>
void elements_stand_alone() {
    auto const a = test::normal_values(product_size(600, 24), "a"), b = test::normal_values(product_size(24, 40), "b");
    auto const a_all = test::to_matrix<Scalar>(a, 600, 24), b_all = test::to_matrix<Scalar>(b, 24, 40);
    auto const corner = [&](int rows, int columns) {
        test::Matrix<Scalar> const c("c", rows, columns);
        test::Matrix<Scalar> const a_part = Kokkos::subview(a_all, std::pair(0, rows), Kokkos::ALL);
        test::Matrix<Scalar> const b_part = Kokkos::subview(b_all, Kokkos::ALL, std::pair(0, columns));
        gemm<Exec, Scalar>(Exec(), Op::none, Op::none, a_part, b_part, false, c);
        test::Matrix<Scalar> const first("first", 5, 7);
        Kokkos::deep_copy(first, Kokkos::subview(c, std::pair(0, 5), std::pair(0, 7)));
        return test::to_array<Scalar>(first).values;
    };
    EXPECT_EQ(corner(5, 7), corner(600, 40));
}

ALIGNSWEEP_TEST_SCALARS(Gemm, AgreesWithTheDefinition, agrees_with_the_definition)
ALIGNSWEEP_TEST_SCALARS(Gemm, Accumulates, accumulates)
ALIGNSWEEP_TEST_SCALARS(Gemm, MultipliesPartsOfLargerMatrices, multiplies_parts_of_larger_matrices)
ALIGNSWEEP_TEST_SCALARS(Gemm, ElementsStandAlone, elements_stand_alone)

}  // namespace
}  // namespace alignsweep::kernels
