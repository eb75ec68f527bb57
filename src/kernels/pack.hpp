// SPDX-License-Identifier: Apache-2.0
// Neighbouring elements that one thread works on together: a SIMD register on a host, a single number on a device. Both
// are written alike: + - * and comparisons act on each element, and mask ? a : b chooses element by element.
#pragma once

#include "core/math.hpp"
#include "kernels/types.hpp"

#include <cstdint>
#include <type_traits>

namespace alignsweep::kernels {

namespace detail {

template <class Scalar, int width>
struct Packed {
    using Int = std::conditional_t<sizeof(Scalar) == 4, std::int32_t, std::int64_t>;
    typedef Scalar Value __attribute__((vector_size(width * sizeof(Scalar))));
    typedef Int Index __attribute__((vector_size(width * sizeof(Scalar))));
};
template <class Scalar>
struct Packed<Scalar, 1> {
    using Value = Scalar;
    using Index = int;
};

}  // namespace detail

template <class ExecSpace, class Scalar>
using Pack = typename detail::Packed<Scalar, lanes<ExecSpace, Scalar>>::Value;
// As many integers, to be compared with each other.
template <class ExecSpace, class Scalar>
using IndexPack = typename detail::Packed<Scalar, lanes<ExecSpace, Scalar>>::Index;

// A number by itself, as on a device, where vector types may not even be named.
template <class PackType>
concept OneElement = std::is_arithmetic_v<PackType>;

// The pack whose element l is term(l).
template <OneElement PackType, class Term>
KOKKOS_FORCEINLINE_FUNCTION PackType pack_of(Term const& term) {
    return term(0);
}
template <class PackType, class Term>
KOKKOS_FORCEINLINE_FUNCTION PackType pack_of(Term const& term) {
    PackType pack{};
    constexpr int width = static_cast<int>(sizeof(PackType) / sizeof(pack[0]));
    for (int l = 0; l < width; ++l) { pack[l] = term(l); }
    return pack;
}

template <OneElement PackType>
KOKKOS_FORCEINLINE_FUNCTION PackType element(PackType const& pack, int /*l*/) {
    return pack;
}
template <class PackType>
KOKKOS_FORCEINLINE_FUNCTION auto element(PackType const& pack, int l) {
    return pack[l];
}

// a b + c of each element, rounded once.
template <class PackType>
KOKKOS_FORCEINLINE_FUNCTION PackType fused(PackType const& a, PackType const& b, PackType const& c) {
    return core::math::fused(a, b, c);
}
template <class PackType>
requires(!OneElement<PackType>) KOKKOS_FORCEINLINE_FUNCTION PackType
    fused(PackType const& a, std::remove_cvref_t<decltype(a[0])> b, PackType const& c) {
    return core::math::fused(a, b - PackType{}, c);
}

// Of each element.
template <OneElement PackType>
KOKKOS_FORCEINLINE_FUNCTION PackType exp_of(PackType const& x) {
    return core::math::exp(x);
}
template <class PackType>
KOKKOS_FORCEINLINE_FUNCTION PackType exp_of(PackType const& x) {
    return core::math::exp_of_pack(x);
}

}  // namespace alignsweep::kernels
