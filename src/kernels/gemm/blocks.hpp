// SPDX-License-Identifier: Apache-2.0
// Pieces of a product on a host. An element is one chain whatever the tile, so tiles follow the processor.
// Cf. Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34 (2008).
#pragma once

#include "core/math.hpp"
#include "kernels/gemm/gemm.hpp"

#include <cstddef>

namespace alignsweep::kernels::detail {

// Row i, column l of an operand stands at data[i * row + l * column].
template <class Scalar>
struct Strided {
    Scalar const* data;
    std::ptrdiff_t row, column;
};

template <class Scalar>
struct Tile {
#if defined(__AVX512F__)
    static constexpr int rows = 12;
#elif defined(__aarch64__)
    static constexpr int rows = 10;
#else
    static constexpr int rows = 6;
#endif
    static constexpr int width = register_bytes / static_cast<int>(sizeof(Scalar)), columns = 2 * width;
    typedef Scalar Register __attribute__((vector_size(register_bytes)));
    typedef Scalar Unaligned __attribute__((vector_size(register_bytes), aligned(sizeof(Scalar)), may_alias));
};

// c[rows, registers * width] = sum over l < depth of a[i, l] b[l, j], and c before it unless `first`. b's rows stand
// `b_row` apart. `down`: a is read down its columns, where the processor does not see by itself what comes next.
template <class Scalar, int rows, int registers, bool down = false>
[[gnu::always_inline]] inline void multiply_tile(int depth, Strided<Scalar> a, Scalar const* b, std::ptrdiff_t b_row,
                                                 bool first, Scalar* c, std::ptrdiff_t c_row) {
    using Register = typename Tile<Scalar>::Register;
    using Unaligned = typename Tile<Scalar>::Unaligned;
    constexpr int width = Tile<Scalar>::width;
    Register sum[rows][registers];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
        for (int r = 0; r < registers; ++r) {
            sum[i][r] = Register{};
            __builtin_prefetch(c + i * c_row + r * width, 1);  // on its way while the sums are made
        }
    }
    // Rows are reached from every third, so that their distances do not take up all registers.
    constexpr int groups = (rows + 2) / 3;
    Scalar const* left_of[groups];
    for (int g = 0; g < groups; ++g) { left_of[g] = a.data + 3 * g * a.row; }
    for (int l = 0; l < depth; ++l) {
        if constexpr (down) { __builtin_prefetch(left_of[0] + 16 * a.column); }
        Register right[registers];
#pragma GCC unroll 2
        for (int r = 0; r < registers; ++r) { right[r] = *reinterpret_cast<Unaligned const*>(b + r * width); }
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            Register const left =
                left_of[i / 3][i % 3 * a.row] - Register{};  // in all lanes (adding 0 would not do for -0)
#pragma GCC unroll 2
            for (int r = 0; r < registers; ++r) { sum[i][r] = core::math::fused(left, right[r], sum[i][r]); }
        }
#pragma GCC unroll 16
        for (int g = 0; g < groups; ++g) { left_of[g] += a.column; }
        b += b_row;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
        for (int r = 0; r < registers; ++r) {
            auto* const to = reinterpret_cast<Unaligned*>(c + i * c_row + r * width);
            *to = first ? sum[i][r] : *to + sum[i][r];
        }
    }
}

// The same for any number of rows up to a tile's.
template <class Scalar, int registers, int rows = Tile<Scalar>::rows>
void multiply_rows(int count, int depth, Strided<Scalar> a, Scalar const* b, std::ptrdiff_t b_row, bool first,
                   Scalar* c, std::ptrdiff_t c_row) {
    constexpr bool whole = rows == Tile<Scalar>::rows && registers == 2;
    if (whole && count == rows && a.row == 1) {
        multiply_tile<Scalar, rows, registers, whole>(depth, {a.data, 1, a.column}, b, b_row, first, c, c_row);
    } else if (count == rows) {
        multiply_tile<Scalar, rows, registers>(depth, a, b, b_row, first, c, c_row);
    } else if constexpr (rows > 1) {
        multiply_rows<Scalar, registers, rows - 1>(count, depth, a, b, b_row, first, c, c_row);
    }
}

}  // namespace alignsweep::kernels::detail
