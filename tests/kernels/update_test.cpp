// SPDX-License-Identifier: Apache-2.0
// What an optimiser step needs: sums of fixed order, AdamW; and the exponential that the other kernels share.
#include "kernels/adamw.hpp"
#include "kernels/pack.hpp"
#include "kernels/reduce.hpp"
#include "support/device.hpp"

namespace alignsweep::kernels {
namespace {

using test::Exec;
using Numbers = std::vector<double>;

template <class Scalar>
void adamw_is_its_formula() {
    constexpr std::size_t size = 37, decayed = 20;
    auto parameters = test::normal_values(size, "parameters"), first = Numbers(size, 0.0), second = first;
    auto const device = test::to_vector<Scalar>(parameters), device_first = test::to_vector<Scalar>(first),
               device_second = test::to_vector<Scalar>(second);
    AdamwStep step{0.01, 0.9, 0.95, 1e-8, 0.1, 0.5, 0};
    for (step.step = 1; step.step <= 3; ++step.step) {
        auto gradient = test::normal_values(size, "gradient" + std::to_string(step.step));
        gradient[3] = 0.0;
        adamw<Exec, Scalar>(Exec(), step, decayed, test::to_vector<Scalar>(gradient), device, device_first,
                            device_second);
        for (std::size_t i = 0; i < size; ++i) {
            double const g = gradient[i] * step.gradient_scale;
            if (i < decayed) { parameters[i] *= 1.0 - step.learning_rate * step.weight_decay; }
            first[i] = step.beta1 * first[i] + (1.0 - step.beta1) * g;
            second[i] = step.beta2 * second[i] + (1.0 - step.beta2) * g * g;
            double const mean = first[i] / (1.0 - std::pow(step.beta1, step.step));
            double const square = second[i] / (1.0 - std::pow(step.beta2, step.step));
            parameters[i] -= step.learning_rate * mean / (std::sqrt(square) + step.epsilon);
        }
        auto const tolerance = test::rounding<Scalar>();
        EXPECT_TRUE(test::allclose(test::to_doubles<Scalar>(device), parameters, tolerance)) << step.step;
        EXPECT_TRUE(test::allclose(test::to_doubles<Scalar>(device_first), first, tolerance));
        EXPECT_TRUE(test::allclose(test::to_doubles<Scalar>(device_second), second, tolerance));
    }
}

template <class Scalar>
void sum_of_squares_is_exact_to_double() {
    for (std::size_t const size : {0, 1, 4095, 4096, 4097, 20000}) {
        auto const values = test::normal_values(size, "values");
        double const want = test::dot(values, values);
        auto const got = sum_of_squares<Exec, Scalar>(Exec(), test::to_vector<Scalar>(values));
        EXPECT_NEAR(got, want, 1e-13 * want) << size;
    }
    // In float, 3e19 squared would be infinite.
    EXPECT_NEAR((sum_of_squares<Exec, Scalar>(Exec(), test::to_vector<Scalar>({3e19}))) / 9e38, 1.0, 1e-6);
    double const nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(std::isnan(sum_of_squares<Exec, Scalar>(Exec(), test::to_vector<Scalar>({1.0, nan, 1.0}))));
}

template <class Scalar>
void column_sums(test::Matrix<Scalar> const& in, test::Vector<Scalar> const& sums) {
    add_column_sums(
        Exec(), "alignsweep::test::column_sums", static_cast<int>(in.extent(0)), Indices<Exec>(), sums,
        KOKKOS_LAMBDA(int n, int i) { return in(n, i); });
}

template <class Scalar>
void column_sums_are_added() {
    for (std::size_t const rows : {0, 1, 63, 64, 65, 200}) {
        for (std::size_t const columns : {1, 16, 33}) {
            auto const in = test::normal_values(rows * columns, "in");
            Numbers want(columns, 1.0);
            for (std::size_t k = 0; k < in.size(); ++k) { want[k % columns] += in[k]; }
            auto const sums = test::to_vector<Scalar>(Numbers(columns, 1.0));
            column_sums<Scalar>(test::to_matrix<Scalar>(in, rows, columns), sums);
            EXPECT_TRUE(test::allclose(test::to_doubles<Scalar>(sums), want, test::rounding<Scalar>(200)))
                << rows << " x " << columns;
        }
    }
}

template <class Scalar>
void vectors_are_added() {
    auto const into = test::to_vector<Scalar>({1.0, 2.0, 3.0});
    add<Exec, Scalar>(Exec(), test::to_vector<Scalar>({0.5, -2.0, 4.0}), into);
    EXPECT_EQ(test::to_doubles<Scalar>(into), (Numbers{1.5, 0.0, 7.0}));
}

template <class Scalar>
Numbers exp_on_device(Numbers const& x) {
    auto const in = test::to_vector<Scalar>(x);
    test::Vector<Scalar> const out("out", x.size());
    Kokkos::parallel_for(
        "alignsweep::test::exp", Kokkos::RangePolicy<Exec>(0, x.size()),
        KOKKOS_LAMBDA(std::int64_t i) { out(i) = core::math::exp(in(i)); });
    return test::to_doubles<Scalar>(out);
}

template <class Scalar>
Numbers exp_of_packs(Numbers const& x) {
    using Elements = Pack<Exec, Scalar>;
    constexpr int width = lanes<Exec, Scalar>;
    int const size = static_cast<int>(x.size());
    auto const in = test::to_vector<Scalar>(x);
    test::Vector<Scalar> const out("out", x.size());
    Kokkos::parallel_for(
        "alignsweep::test::exp_of_packs", Kokkos::RangePolicy<Exec>(0, (size + width - 1) / width),
        KOKKOS_LAMBDA(int item) {
            int const first = item * width, count = Kokkos::min(width, size - first);
            auto const y = exp_of(pack_of<Elements>([&](int l) { return in(first + (l < count ? l : 0)); }));
            for (int l = 0; l < count; ++l) { out(first + l) = element(y, l); }
        });
    return test::to_doubles<Scalar>(out);
}

// Of each query, the keys up to its own position: a choice by comparison, as attention makes it.
template <class Scalar>
void packs_choose_by_element() {
    using Elements = Pack<Exec, Scalar>;
    using Rows = IndexPack<Exec, Scalar>;
    constexpr int width = lanes<Exec, Scalar>;
    test::Vector<Scalar> const out("out", static_cast<std::size_t>(width));
    Kokkos::parallel_for(
        "alignsweep::test::choose", Kokkos::RangePolicy<Exec>(0, 1), KOKKOS_LAMBDA(int) {
            Rows const row = pack_of<Rows>([](int l) { return l; });
            Elements const chosen = row >= width / 2 ? Elements{} + Scalar(1) : Elements{} - Scalar(2);
            for (int l = 0; l < width; ++l) { out(l) = element(chosen, l); }
        });
    auto const got = test::to_doubles<Scalar>(out);
    for (int l = 0; l < width; ++l) { EXPECT_EQ(got[static_cast<std::size_t>(l)], l >= width / 2 ? 1.0 : -2.0); }
}

// Single numbers and packs have the host's bits (their errors: tests/core/math_test.cpp).
template <class Scalar>
void exp_is_that_of_the_host() {
    Numbers x{0.0, -std::numeric_limits<double>::infinity(), -1e30, 1e30};
    for (int i = 0; i <= 20000; ++i) { x.push_back(static_cast<float>(-110.0 + 200.0 * i / 20000)); }
    Numbers want;
    for (double const value : x) { want.push_back(core::math::exp(static_cast<Scalar>(value))); }
    EXPECT_EQ(exp_on_device<Scalar>(x), want);
    EXPECT_EQ(exp_of_packs<Scalar>(x), want);
}

ALIGNSWEEP_TEST_SCALARS(Adamw, IsItsFormula, adamw_is_its_formula)
ALIGNSWEEP_TEST_SCALARS(Reduce, SumOfSquaresIsExactToDouble, sum_of_squares_is_exact_to_double)
ALIGNSWEEP_TEST_SCALARS(Reduce, ColumnSumsAreAdded, column_sums_are_added)
ALIGNSWEEP_TEST_SCALARS(Reduce, VectorsAreAdded, vectors_are_added)
ALIGNSWEEP_TEST_SCALARS(Math, ExpIsThatOfTheHost, exp_is_that_of_the_host)
ALIGNSWEEP_TEST_SCALARS(Pack, ChoosesByElement, packs_choose_by_element)

}  // namespace
}  // namespace alignsweep::kernels
