// SPDX-License-Identifier: Apache-2.0
// Moves numbers between a test and the device.
#pragma once

#include "kernels/types.hpp"
#include "support/numbers.hpp"

#include <cstdint>
#include <vector>

namespace alignsweep::test {

using Exec = Kokkos::DefaultExecutionSpace;
template <class Scalar>
using Matrix = kernels::Matrix<Exec, Scalar>;
template <class Scalar>
using Vector = kernels::Vector<Exec, Scalar>;

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

}  // namespace alignsweep::test
