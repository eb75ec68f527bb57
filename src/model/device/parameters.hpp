// SPDX-License-Identifier: Apache-2.0
// A model's parameters on the device, and parts of flat buffers as matrices and vectors.
#pragma once

#include "core/error.hpp"
#include "kernels/attention.hpp"
#include "model/layout.hpp"

#include <span>
#include <vector>

namespace alignsweep::model::device {

// All parameters in one flat buffer; the layout outlives this.
template <class ExecSpace, class Scalar>
struct Parameters {
    Layout const& layout;
    kernels::Vector<ExecSpace, Scalar> values;
};

inline kernels::HeadShape head_shape(Shape const& shape) { return {shape.heads, shape.kv_heads, shape.head_dim()}; }

// A tensor, or several neighbours, of a flat buffer as a matrix.
template <class ExecSpace, class Scalar>
kernels::Matrix<ExecSpace, Scalar> as_matrix(kernels::Vector<ExecSpace, Scalar> const& flat, std::int64_t offset,
                                             int rows, int columns) {
    return kernels::Matrix<ExecSpace, Scalar>(flat.data() + offset, rows, columns);
}
template <class ExecSpace, class Scalar>
kernels::Vector<ExecSpace, Scalar> as_vector(kernels::Vector<ExecSpace, Scalar> const& flat, std::int64_t offset,
                                             std::int64_t size) {
    return kernels::Vector<ExecSpace, Scalar>(flat.data() + offset, size);
}

// Copies a buffer to the host and back, and waits for it; sizes must agree.
template <class ExecSpace, class T>
std::vector<T> to_host(ExecSpace const& space, kernels::Vector<ExecSpace, T> const& device) {
    std::vector<T> host(device.extent(0));
    Kokkos::View<T*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> const view(host.data(), host.size());
    Kokkos::deep_copy(space, view, device);
    space.fence("alignsweep::model: numbers go to the host");
    return host;
}
template <class ExecSpace, class T>
void from_host(ExecSpace const& space, std::span<T const> host, kernels::Vector<ExecSpace, T> const& device) {
    core::check(host.size() == device.extent(0), "a buffer of ", host.size(), " elements for one of ",
                device.extent(0));
    Kokkos::View<T const*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> const view(host.data(), host.size());
    Kokkos::deep_copy(space, device, view);
    space.fence("alignsweep::model: numbers have come from the host");
}

}  // namespace alignsweep::model::device
