// SPDX-License-Identifier: Apache-2.0
// Numbers for tests, on the host: draws them, and differentiates by finite differences.
#pragma once

#include "core/random.hpp"
#include "support/allclose.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace alignsweep::test {

using Ints = std::vector<std::int32_t>;

// Two tests from one free template function: nvcc refuses device lambdas in the private methods that TEST makes.
#define ALIGNSWEEP_TEST_SCALARS(suite, name, body)  \
    TEST(suite, name##InFloat) { (body<float>)(); } \
    TEST(suite, name##InDouble) { (body<double>)(); }

// Standard normal numbers times `scale`, rounded to float so that every Scalar starts from the same ones.
inline std::vector<double> normal_values(std::size_t size, std::string_view name, double scale = 1.0) {
    core::Draws draws(core::RandomStream(1, name), 0);
    std::vector<double> values(size);
    for (double& value : values) { value = static_cast<float>(scale * draws.normal()); }
    return values;
}

inline double dot(std::vector<double> const& a, std::vector<double> const& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) { sum += a[i] * b[i]; }
    return sum;
}

// Central differences of `loss` (a function of the vector) by each element of x.
template <class Loss>
std::vector<double> numerical_gradient(std::vector<double> x, Loss const& loss, double step = 1e-5) {
    std::vector<double> gradient(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        double const middle = x[i];
        x[i] = middle + step;
        double const above = loss(x);
        x[i] = middle - step;
        double const below = loss(x);
        x[i] = middle;
        gradient[i] = (above - below) / (2.0 * step);
    }
    return gradient;
}

// What central differences in double must agree with, by norm.
inline constexpr double gradient_tolerance = 1e-6;

}  // namespace alignsweep::test
