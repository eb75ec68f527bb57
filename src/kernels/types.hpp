// SPDX-License-Identifier: Apache-2.0
// Views that kernels take, and what differs between a host and a device at compile time.
#pragma once

#include <Kokkos_Core.hpp>

#include <cstdint>
#include <type_traits>

namespace alignsweep::kernels {

template <class ExecSpace, class Scalar>
using Matrix = Kokkos::View<Scalar**, Kokkos::LayoutRight, ExecSpace>;
template <class ExecSpace, class Scalar>
using Vector = Kokkos::View<Scalar*, Kokkos::LayoutRight, ExecSpace>;
template <class ExecSpace, class Scalar>
using ConstMatrix = Matrix<ExecSpace, Scalar const>;
template <class ExecSpace, class Scalar>
using ConstVector = Vector<ExecSpace, Scalar const>;
template <class ExecSpace>
using Indices = Vector<ExecSpace, std::int32_t const>;

// A parameter that takes part in conversion (Matrix -> ConstMatrix) instead of template deduction.
template <class T>
using Arg = std::type_identity_t<T>;

// Whether kernels take their host's paths: SIMD loops instead of teams of lanes. A test build forces the device's paths
// on a host (tests/CMakeLists.txt), so that they run where there is no GPU.
#ifdef ALIGNSWEEP_FORCE_DEVICE_PATHS
template <class ExecSpace>
inline constexpr bool is_host = false;
#else
template <class ExecSpace>
inline constexpr bool is_host = Kokkos::SpaceAccessibility<ExecSpace, Kokkos::HostSpace>::accessible;
#endif

// What every kernel asserts where it begins: that its arguments are views of these ranks, with rows side by side, in
// memory that the execution space reaches.
template <int... ranks, class ExecSpace, class... Views>
constexpr void assert_views(ExecSpace const& /*space*/, Views const&... /*views*/) {
    static_assert(sizeof...(ranks) == sizeof...(Views), "a rank for each view");
    static_assert((... && Kokkos::is_view_v<Views>), "not a view");
    static_assert((... && (Views::rank() == ranks)), "a view of another rank");
    static_assert((... && std::is_same_v<typename Views::array_layout, Kokkos::LayoutRight>), "another layout");
    static_assert((... && Kokkos::SpaceAccessibility<ExecSpace, typename Views::memory_space>::accessible),
                  "memory that the execution space does not reach");
}

// Bytes of a SIMD register of the processor that is compiled for.
#if defined(__AVX512F__)
inline constexpr int register_bytes = 64;
#elif defined(__AVX__)
inline constexpr int register_bytes = 32;
#else
inline constexpr int register_bytes = 16;
#endif

// Independent elements that one thread works on side by side: a SIMD register on a host, one on a device (whose
// threads are the lanes). A constant of the build, so it cannot move bits between runs.
template <class ExecSpace, class Scalar>
inline constexpr int lanes = is_host<ExecSpace> ? register_bytes / static_cast<int>(sizeof(Scalar)) : 1;

}  // namespace alignsweep::kernels

// Explicit instantiation of MACRO(ExecSpace, Scalar) for every scalar on the build's execution space.
#define ALIGNSWEEP_INSTANTIATE(MACRO)           \
    MACRO(Kokkos::DefaultExecutionSpace, float) \
    MACRO(Kokkos::DefaultExecutionSpace, double)
