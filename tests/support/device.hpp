// SPDX-License-Identifier: Apache-2.0
// Moves numbers between a test and the device, draws them, and differentiates by finite differences.
#pragma once

#include "core/random.hpp"
#include "kernels/types.hpp"
#include "support/allclose.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace alignsweep::test {

using Exec = Kokkos::DefaultExecutionSpace;
template <class Scalar>
using Matrix = kernels::Matrix<Exec, Scalar>;
template <class Scalar>
using Vector = kernels::Vector<Exec, Scalar>;
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

template <class Scalar>
Vector<Scalar> to_vector(std::vector<double> const& host) {
    Vector<Scalar> device("alignsweep::test::vector", host.size());
    auto const mirror = Kokkos::create_mirror_view(device);
    for (std::size_t i = 0; i < host.size(); ++i) { mirror(i) = static_cast<Scalar>(host[i]); }
    Kokkos::deep_copy(device, mirror);
    return device;
}
template <class Scalar>
Matrix<Scalar> to_matrix(std::vector<double> const& host, std::size_t rows, std::size_t columns) {
    Matrix<Scalar> device("alignsweep::test::matrix", rows, columns);
    auto const mirror = Kokkos::create_mirror_view(device);
    for (std::size_t i = 0; i < host.size(); ++i) { mirror(i / columns, i % columns) = static_cast<Scalar>(host[i]); }
    Kokkos::deep_copy(device, mirror);
    return device;
}
inline kernels::Indices<Exec> to_indices(Ints const& host) {
    Vector<std::int32_t> device("alignsweep::test::indices", host.size());
    auto const mirror = Kokkos::create_mirror_view(device);
    for (std::size_t i = 0; i < host.size(); ++i) { mirror(i) = host[i]; }
    Kokkos::deep_copy(device, mirror);
    return device;
}

template <class Scalar>
Array to_array(Matrix<Scalar> const& device) {
    Kokkos::fence("alignsweep::test: a result goes to the host");
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device);
    Array array{{host.extent(0), host.extent(1)}, {}};
    for (std::size_t i = 0; i < host.extent(0); ++i) {
        for (std::size_t j = 0; j < host.extent(1); ++j) { array.values.push_back(static_cast<double>(host(i, j))); }
    }
    return array;
}
template <class T>
std::vector<T> to_std(Vector<T> const& device) {
    Kokkos::fence("alignsweep::test: a result goes to the host");
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device);
    return std::vector<T>(host.data(), host.data() + host.extent(0));
}
template <class Scalar>
std::vector<double> to_doubles(Vector<Scalar> const& device) {
    auto const values = to_std(device);
    return {values.begin(), values.end()};
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
