// SPDX-License-Identifier: Apache-2.0
// The row-wise kernels: RMSNorm, RoPE, SwiGLU, embedding.
#include "kernels/embedding.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/rope.hpp"
#include "kernels/swiglu.hpp"
#include "support/device.hpp"

namespace alignsweep::kernels {
namespace {

using test::Array;
using test::Exec;
using Numbers = std::vector<double>;

// Rows x columns at the edges of SIMD registers and of blocks of 64 rows.
struct Size {
    std::size_t rows, columns;
};
constexpr Size sizes[] = {{0, 4}, {1, 1}, {3, 2}, {5, 17}, {64, 31}, {130, 48}};

template <class Scalar>
struct Norm {
    Array out;
    Numbers scale;
};
template <class Scalar>
Norm<Scalar> norm_forward(Numbers const& x, Numbers const& weight, Size size, double eps) {
    test::Matrix<Scalar> const out("out", size.rows, size.columns);
    test::Vector<Scalar> const scale("scale", size.rows);
    rmsnorm_forward<Exec, Scalar>(Exec(), test::to_matrix<Scalar>(x, size.rows, size.columns),
                                  test::to_vector<Scalar>(weight), eps, out, scale);
    return {test::to_array<Scalar>(out), test::to_doubles<Scalar>(scale)};
}

template <class Scalar>
void rmsnorm_is_its_formula() {
    constexpr double eps = 1e-2;
    for (Size const size : sizes) {
        auto const x = test::normal_values(size.rows * size.columns, "x");
        auto const weight = test::normal_values(size.columns, "weight");
        Array want{{size.rows, size.columns}, Numbers(x.size())};
        Numbers scales(size.rows);
        for (std::size_t n = 0; n < size.rows; ++n) {
            double squares = 0.0;
            for (std::size_t i = 0; i < size.columns; ++i) { squares += std::pow(x[n * size.columns + i], 2); }
            scales[n] = 1.0 / std::sqrt(squares / static_cast<double>(size.columns) + eps);
            for (std::size_t i = 0; i < size.columns; ++i) {
                want.values[n * size.columns + i] = x[n * size.columns + i] * scales[n] * weight[i];
            }
        }
        auto const got = norm_forward<Scalar>(x, weight, size, eps);
        EXPECT_TRUE(test::allclose(got.out, want, test::rounding<Scalar>()));
        EXPECT_TRUE(test::allclose(got.scale, scales, test::rounding<Scalar>()));
    }
}

// d(sum of c * out) by x and by weight; both gradients are added to what stands there.
void rmsnorm_gradient() {
    constexpr double eps = 1e-3;
    for (Size const size : {Size{1, 1}, Size{3, 5}, Size{67, 3}}) {
        auto const x = test::normal_values(size.rows * size.columns, "x");
        auto const weight = test::normal_values(size.columns, "weight");
        auto const c = test::normal_values(x.size(), "c");
        auto const dx = test::to_matrix<double>(Numbers(x.size(), 1.0), size.rows, size.columns);
        auto const dweight = test::to_vector<double>(Numbers(size.columns, 1.0));
        auto const forward = norm_forward<double>(x, weight, size, eps);
        rmsnorm_backward<Exec, double>(Exec(), test::to_matrix<double>(c, size.rows, size.columns),
                                       test::to_matrix<double>(x, size.rows, size.columns),
                                       test::to_vector<double>(weight), test::to_vector<double>(forward.scale), dx, {},
                                       dweight);
        auto by_x = test::numerical_gradient(
            x, [&](Numbers const& at) { return test::dot(norm_forward<double>(at, weight, size, eps).out.values, c); });
        auto by_weight = test::numerical_gradient(
            weight, [&](Numbers const& at) { return test::dot(norm_forward<double>(x, at, size, eps).out.values, c); });
        for (double& value : by_x) { value += 1.0; }
        for (double& value : by_weight) { value += 1.0; }
        EXPECT_LE(test::norm_error(test::to_array<double>(dx).values, by_x), test::gradient_tolerance);
        EXPECT_LE(test::norm_error(test::to_doubles<double>(dweight), by_weight), test::gradient_tolerance);
    }
}

template <class Scalar>
void rope_is_its_formula_and_turns_back() {
    constexpr int heads = 3, rotated = 2;  // the last head stands for the values, which are not rotated
    constexpr double theta = 100.0;
    for (int const dim : {2, 4, 34}) {
        test::Ints const positions{0, 1, 5, 63};
        std::size_t const width = static_cast<std::size_t>(heads) * dim, half = static_cast<std::size_t>(dim) / 2;
        auto const x = test::normal_values(positions.size() * width, "x");
        auto const table = make_rope_table<Exec, Scalar>(Exec(), 64, dim, theta);
        auto const device = test::to_matrix<Scalar>(x, positions.size(), width);
        rope<Exec, Scalar>(Exec(), table, test::to_indices(positions), rotated, false, device);
        Array want{{positions.size(), width}, x};
        for (std::size_t n = 0; n < positions.size(); ++n) {
            for (std::size_t h = 0; h < rotated; ++h) {
                for (std::size_t i = 0; i < half; ++i) {
                    double const angle = positions[n] * std::pow(theta, -2.0 * static_cast<double>(i) / dim);
                    std::size_t const a = n * width + h * 2 * half + i, b = a + half;
                    want.values[a] = x[a] * std::cos(angle) - x[b] * std::sin(angle);
                    want.values[b] = x[b] * std::cos(angle) + x[a] * std::sin(angle);
                }
            }
        }
        Array const got = test::to_array<Scalar>(device);
        EXPECT_TRUE(test::allclose(got, want, test::rounding<Scalar>())) << "head dimension " << dim;
        EXPECT_NEAR(test::dot(got.values, got.values), test::dot(x, x),
                    test::rounding<Scalar>().relative * test::dot(x, x));
        rope<Exec, Scalar>(Exec(), table, test::to_indices(positions), rotated, true, device);
        EXPECT_TRUE(test::allclose(test::to_array<Scalar>(device).values, x, test::rounding<Scalar>()));
    }
}

template <class Scalar>
Array swiglu(Numbers const& gate_up, Size size) {
    test::Matrix<Scalar> const out("out", size.rows, size.columns);
    swiglu_forward<Exec, Scalar>(Exec(), test::to_matrix<Scalar>(gate_up, size.rows, 2 * size.columns), out);
    return test::to_array<Scalar>(out);
}

template <class Scalar>
void swiglu_is_its_formula() {
    for (Size const size : sizes) {
        auto gate_up = test::normal_values(2 * size.rows * size.columns, "gate_up", 3.0);
        if (gate_up.size() > 2) { gate_up[0] = -200.0; }  // exp(200) overflows a float
        Array want{{size.rows, size.columns}, {}};
        for (std::size_t n = 0; n < size.rows; ++n) {
            for (std::size_t i = 0; i < size.columns; ++i) {
                double const gate = gate_up[2 * n * size.columns + i];
                want.values.push_back(gate / (1.0 + std::exp(-gate)) * gate_up[(2 * n + 1) * size.columns + i]);
            }
        }
        EXPECT_TRUE(test::allclose(swiglu<Scalar>(gate_up, size), want, test::rounding<Scalar>()));
    }
}

void swiglu_gradient() {
    Size const size{3, 7};
    auto const gate_up = test::normal_values(2 * size.rows * size.columns, "gate_up", 2.0);
    auto const c = test::normal_values(size.rows * size.columns, "c");
    test::Matrix<double> const gradient("gradient", size.rows, 2 * size.columns);
    swiglu_backward<Exec, double>(Exec(), test::to_matrix<double>(c, size.rows, size.columns),
                                  test::to_matrix<double>(gate_up, size.rows, 2 * size.columns), gradient);
    auto const want = test::numerical_gradient(
        gate_up, [&](Numbers const& at) { return test::dot(swiglu<double>(at, size).values, c); });
    EXPECT_LE(test::norm_error(test::to_array<double>(gradient).values, want), test::gradient_tolerance);
}

template <class Scalar>
void embedding_gathers_and_sums_duplicates() {
    constexpr std::size_t vocabulary = 6, width = 19;
    test::Ints const tokens{3, 0, 3, 5, 3, 0};
    auto const table = test::normal_values(vocabulary * width, "table");
    test::Matrix<Scalar> const out("out", tokens.size(), width);
    gather_rows<Exec, Scalar>(Exec(), test::to_matrix<Scalar>(table, vocabulary, width), test::to_indices(tokens), out);
    auto const dout = test::normal_values(tokens.size() * width, "dout");
    Array want{{tokens.size(), width}, {}}, want_gradient{{vocabulary, width}, Numbers(vocabulary * width, 0.5)};
    for (std::size_t n = 0; n < tokens.size(); ++n) {
        auto const row = static_cast<std::size_t>(tokens[n]);
        for (std::size_t i = 0; i < width; ++i) {
            want.values.push_back(table[row * width + i]);
            want_gradient.values[row * width + i] += dout[n * width + i];
        }
    }
    EXPECT_TRUE(test::allclose(test::to_array<Scalar>(out), want, {0.0, 0.0}));
    RowsByToken<Exec> const by_token{test::to_indices({0, 3, 5}), test::to_indices({0, 2, 5, 6}),
                                     test::to_indices({1, 5, 0, 2, 4, 3})};
    auto const gradient = test::to_matrix<Scalar>(Numbers(vocabulary * width, 0.5), vocabulary, width);
    embedding_backward<Exec, Scalar>(Exec(), test::to_matrix<Scalar>(dout, tokens.size(), width), by_token, gradient);
    EXPECT_TRUE(test::allclose(test::to_array<Scalar>(gradient), want_gradient, test::rounding<Scalar>()));
}

template <class Scalar>
void scatter_adds_to_the_rows_named() {
    constexpr std::size_t rows = 5, width = 3;
    test::Ints const index{4, 0, 2};
    auto const in = test::normal_values(index.size() * width, "in");
    Array want{{rows, width}, Numbers(rows * width, 2.0)};
    auto const out = test::to_matrix<Scalar>(want.values, rows, width);
    for (std::size_t k = 0; k < in.size(); ++k) {
        want.values[static_cast<std::size_t>(index[k / width]) * width + k % width] += in[k];
    }
    scatter_add_rows<Exec, Scalar>(Exec(), test::to_matrix<Scalar>(in, index.size(), width), test::to_indices(index),
                                   out);
    EXPECT_TRUE(test::allclose(test::to_array<Scalar>(out), want, test::rounding<Scalar>()));
    scatter_add_rows<Exec, Scalar>(Exec(), test::Matrix<Scalar>("none", 0, width), test::to_indices({}), out);
    EXPECT_TRUE(test::allclose(test::to_array<Scalar>(out), want, test::rounding<Scalar>()));
}

ALIGNSWEEP_TEST_SCALARS(Rmsnorm, IsItsFormula, rmsnorm_is_its_formula)
TEST(Rmsnorm, GradientAgreesWithFiniteDifferences) { rmsnorm_gradient(); }
ALIGNSWEEP_TEST_SCALARS(Rope, IsItsFormulaAndTurnsBack, rope_is_its_formula_and_turns_back)
ALIGNSWEEP_TEST_SCALARS(Swiglu, IsItsFormula, swiglu_is_its_formula)
TEST(Swiglu, GradientAgreesWithFiniteDifferences) { swiglu_gradient(); }
ALIGNSWEEP_TEST_SCALARS(Embedding, GathersAndSumsDuplicates, embedding_gathers_and_sums_duplicates)
ALIGNSWEEP_TEST_SCALARS(Embedding, ScatterAddsToTheRowsNamed, scatter_adds_to_the_rows_named)

}  // namespace
}  // namespace alignsweep::kernels
