// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm_reference.hpp"
#include "support/device.hpp"

namespace alignsweep::kernels {
namespace {

using test::Array;
using test::Exec;

struct Case {
    int m, n, k;
    double alpha = 1.0, beta = 0.0;
};

std::string text_of(Op op_a, Op op_b, Case const& c) {
    return std::string(op_a == Op::none ? "N" : "T") + (op_b == Op::none ? "N" : "T") + " " + std::to_string(c.m) +
           "x" + std::to_string(c.n) + "x" + std::to_string(c.k);
}

std::size_t product_size(int rows, int columns) { return static_cast<std::size_t>(rows) * columns; }

// c = alpha op(a) op(b) + beta c by its definition, in double.
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
            out[at] = s.alpha * sum + (s.beta == 0.0 ? 0.0 : s.beta * c[at]);
        }
    }
    return out;
}

// One product by `gemm` and by the reference kernel, against the definition. `margin` columns are left unused at the
// end of every row: the matrices are parts of larger ones.
template <class Scalar>
void check(Op op_a, Op op_b, Case const& s, int margin = 0) {
    int const a_rows = op_a == Op::none ? s.m : s.k, a_columns = op_a == Op::none ? s.k : s.m;
    int const b_rows = op_b == Op::none ? s.k : s.n, b_columns = op_b == Op::none ? s.n : s.k;
    auto const a = test::normal_values(product_size(a_rows, a_columns), "a");
    auto const b = test::normal_values(product_size(b_rows, b_columns), "b");
    auto c = test::normal_values(product_size(s.m, s.n), "c");
    Array const want{{static_cast<std::size_t>(s.m), static_cast<std::size_t>(s.n)}, naive(op_a, op_b, s, a, b, c)};
    if (s.beta == 0.0) { c.assign(c.size(), std::numeric_limits<double>::quiet_NaN()); }  // c may hold anything
    auto const part = [&](std::vector<double> const& values, int rows, int columns) {
        test::Matrix<Scalar> const whole("whole", rows, columns + margin);
        Kokkos::deep_copy(whole, Scalar(7));
        test::Matrix<Scalar> const view = Kokkos::subview(whole, Kokkos::ALL, std::pair(0, columns));
        Kokkos::deep_copy(view, test::to_matrix<Scalar>(values, rows, columns));
        return std::pair(whole, view);
    };
    auto const a_view = part(a, a_rows, a_columns).second, b_view = part(b, b_rows, b_columns).second;
    auto const tolerance = test::rounding<Scalar>(s.k);
    for (bool const by_reference : {false, true}) {
        auto const [whole, c_view] = part(c, s.m, s.n);
        if (by_reference) {
            gemm_reference<Exec, Scalar>(Exec(), op_a, op_b, s.alpha, a_view, b_view, s.beta, c_view);
        } else {
            gemm<Exec, Scalar>(Exec(), op_a, op_b, s.alpha, a_view, b_view, s.beta, c_view);
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
        EXPECT_TRUE(test::allclose(cut, want, tolerance))
            << text_of(op_a, op_b, s) << (by_reference ? " by reference" : "");
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
                              Case{17, 1, 33}, Case{15, 16, 17}, Case{65, 31, 7}, Case{257, 19, 65}, Case{600, 9, 3}}) {
            check<Scalar>(op_a, op_b, c);
        }
    });
}

template <class Scalar>
void scales_and_accumulates() {
    for_each_op<Scalar>([](Op op_a, Op op_b) {
        check<Scalar>(op_a, op_b, {33, 20, 9, 1.0, 1.0});
        check<Scalar>(op_a, op_b, {33, 20, 9, -0.5, 2.0});
        check<Scalar>(op_a, op_b, {33, 20, 9, 0.0, 0.5});
        check<Scalar>(op_a, op_b, {5, 4, 0, 1.0, 0.5});  // an empty sum still scales c
        check<Scalar>(op_a, op_b, {5, 4, 3, 2.0, 0.0});  // c holds NaN before
    });
}

template <class Scalar>
void multiplies_parts_of_larger_matrices() {
    for_each_op<Scalar>([](Op op_a, Op op_b) {
        check<Scalar>(op_a, op_b, {70, 13, 21, 1.0, 1.0}, 5);
        check<Scalar>(op_a, op_b, {300, 8, 11, 1.0, 0.0}, 3);
        check<Scalar>(op_a, op_b, {1, 1, 1, 1.0, 0.0}, 1);
    });
}

// The rows of a product do not depend on how many follow in later tiles.
template <class Scalar>
void whole_tiles_do_not_depend_on_later_rows() {
    auto const a = test::normal_values(product_size(600, 24), "a"), b = test::normal_values(product_size(24, 40), "b");
    auto const a_all = test::to_matrix<Scalar>(a, 600, 24), b_all = test::to_matrix<Scalar>(b, 24, 40);
    auto const product = [&](int rows) {
        test::Matrix<Scalar> const c("c", rows, 40);
        test::Matrix<Scalar> const a_part(a_all.data(), rows, 24);
        gemm<Exec, Scalar>(Exec(), Op::none, Op::none, 1.0, a_part, b_all, 0.0, c);
        auto values = test::to_array<Scalar>(c).values;
        values.resize(product_size(256, 40));
        return values;
    };
    if (is_host<Exec>) { EXPECT_EQ(product(256), product(600)); }
}

ALIGNSWEEP_TEST_SCALARS(Gemm, AgreesWithTheDefinition, agrees_with_the_definition)
ALIGNSWEEP_TEST_SCALARS(Gemm, ScalesAndAccumulates, scales_and_accumulates)
ALIGNSWEEP_TEST_SCALARS(Gemm, MultipliesPartsOfLargerMatrices, multiplies_parts_of_larger_matrices)
ALIGNSWEEP_TEST_SCALARS(Gemm, WholeTilesDoNotDependOnLaterRows, whole_tiles_do_not_depend_on_later_rows)

TEST(Gemm, NamesItsLibrary) { EXPECT_FALSE(gemm_library().empty()); }

}  // namespace
}  // namespace alignsweep::kernels
