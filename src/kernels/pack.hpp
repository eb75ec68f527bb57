// SPDX-License-Identifier: Apache-2.0
// Neighbouring elements that one thread works on together: a SIMD register on a host, a single number on a device. Both
// are written alike: + - * and comparisons act on each element, and mask ? a : b chooses element by element.
#pragma once

#include "core/math.hpp"
#include "kernels/types.hpp"

#include <cstdint>
#include <type_traits>
#include <utility>

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

namespace detail {

template <class PackType>
inline constexpr int width_of = static_cast<int>(sizeof(PackType) / sizeof(std::declval<PackType>()[0]));

// Swaps the `apart` lanes that `low` and `high` have in the other's place: one of a transposition's steps.
template <int apart, class PackType, int... l>
KOKKOS_FORCEINLINE_FUNCTION void exchange(PackType& low, PackType& high, std::integer_sequence<int, l...> /*lanes*/) {
    constexpr int width = sizeof...(l);
    PackType const first = low, second = high;
#if defined(__CUDACC__) || !__has_builtin(__builtin_shufflevector)  // GCC has it from 12 on
    for (int i = 0; i < width; ++i) {
        low[i] = (i & apart) != 0 ? second[i - apart] : first[i];
        high[i] = (i & apart) != 0 ? second[i] : first[i + apart];
    }
#else
    low = __builtin_shufflevector(first, second, ((l & apart) != 0 ? width + l - apart : l)...);
    high = __builtin_shufflevector(first, second, ((l & apart) != 0 ? width + l : l + apart)...);
#endif
}

// As many packs as each has elements: pack i gets element i of each.
template <int apart = 1, class PackType>
KOKKOS_FORCEINLINE_FUNCTION void transpose(PackType* packs) {
    constexpr int width = width_of<PackType>;
    if constexpr (apart < width) {
#pragma GCC unroll 16
        for (int i = 0; i < width; ++i) {
            if ((i & apart) == 0) {
                exchange<apart>(packs[i], packs[i + apart], std::make_integer_sequence<int, width>());
            }
        }
        transpose<2 * apart>(packs);
    }
}

}  // namespace detail

// Neighbouring numbers of memory.
template <class PackType, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION PackType loaded(Scalar const* from) {
    static_assert(sizeof(PackType) % sizeof(Scalar) == 0);
    if constexpr (OneElement<PackType>) {
        return *from;
    } else {
        PackType pack;
        __builtin_memcpy(&pack, from, sizeof(PackType));
        return pack;
    }
}
template <class PackType, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION void store(PackType const& pack, Scalar* to) {
    if constexpr (OneElement<PackType>) {
        *to = pack;
    } else {
        __builtin_memcpy(to, &pack, sizeof(PackType));
    }
}

// Columns of rows that stand apart: element l of columns[d] is row_of(l)[d], for d < count.
template <OneElement PackType, class RowOf>
KOKKOS_FORCEINLINE_FUNCTION void load_columns(int count, RowOf const& row_of, PackType* columns) {
    for (int d = 0; d < count; ++d) { columns[d] = row_of(0)[d]; }
}
template <class PackType, class RowOf>
KOKKOS_FORCEINLINE_FUNCTION void load_columns(int count, RowOf const& row_of, PackType* columns) {
    constexpr int width = detail::width_of<PackType>;
    int d = 0;
    for (; d + width <= count; d += width) {
        PackType part[width];
#pragma GCC unroll 16
        for (int l = 0; l < width; ++l) { part[l] = loaded<PackType>(row_of(l) + d); }
        detail::transpose(part);
#pragma GCC unroll 16
        for (int l = 0; l < width; ++l) { columns[d + l] = part[l]; }
    }
    for (; d < count; ++d) {
        columns[d] = pack_of<PackType>([&](int l) { return row_of(l)[d]; });
    }
}

// The way back, to the first `rows` rows.
template <OneElement PackType, class RowOf>
KOKKOS_FORCEINLINE_FUNCTION void store_columns(int count, int /*rows*/, PackType const* columns, RowOf const& row_of) {
    for (int d = 0; d < count; ++d) { row_of(0)[d] = columns[d]; }
}
template <class PackType, class RowOf>
KOKKOS_FORCEINLINE_FUNCTION void store_columns(int count, int rows, PackType const* columns, RowOf const& row_of) {
    constexpr int width = detail::width_of<PackType>;
    int d = 0;
    for (; d + width <= count; d += width) {
        PackType part[width];
#pragma GCC unroll 16
        for (int l = 0; l < width; ++l) { part[l] = columns[d + l]; }
        detail::transpose(part);
        for (int l = 0; l < rows; ++l) { store(part[l], row_of(l) + d); }
    }
    for (; d < count; ++d) {
        for (int l = 0; l < rows; ++l) { row_of(l)[d] = columns[d][l]; }
    }
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
