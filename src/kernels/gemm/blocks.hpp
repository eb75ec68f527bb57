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

// c[rows, columns of a tile] = sum over l < depth of a[i, l] b[l, j], and c before it unless `first`. b's rows stand
// `b_row` apart.
template <class Scalar, int rows>
[[gnu::always_inline]] inline void multiply_tile(int depth, Strided<Scalar> a, Scalar const* b, std::ptrdiff_t b_row,
                                                 bool first, Scalar* c, std::ptrdiff_t c_row) {
    using Register = typename Tile<Scalar>::Register;
    using Unaligned = typename Tile<Scalar>::Unaligned;
    constexpr int width = Tile<Scalar>::width;
    Register sum[rows][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) { sum[i][0] = sum[i][1] = Register{}; }
    for (int l = 0; l < depth; ++l) {
        Register const b_0 = *reinterpret_cast<Unaligned const*>(b);
        Register const b_1 = *reinterpret_cast<Unaligned const*>(b + width);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            Register const left = a.data[i * a.row] - Register{};  // in all lanes (adding 0 would not do for -0)
            sum[i][0] = core::math::fused(left, b_0, sum[i][0]);
            sum[i][1] = core::math::fused(left, b_1, sum[i][1]);
        }
        a.data += a.column;
        b += b_row;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
        auto* const to = reinterpret_cast<Unaligned*>(c + i * c_row);
        auto* const to_1 = reinterpret_cast<Unaligned*>(c + i * c_row + width);
        *to = first ? sum[i][0] : *to + sum[i][0];
        *to_1 = first ? sum[i][1] : *to_1 + sum[i][1];
    }
}

// The same for any number of rows up to a tile's.
template <class Scalar, int rows = Tile<Scalar>::rows>
void multiply_rows(int count, int depth, Strided<Scalar> a, Scalar const* b, std::ptrdiff_t b_row, bool first,
                   Scalar* c, std::ptrdiff_t c_row) {
    if (count == rows) {
        multiply_tile<Scalar, rows>(depth, a, b, b_row, first, c, c_row);
    } else if constexpr (rows > 1) {
        multiply_rows<Scalar, rows - 1>(count, depth, a, b, b_row, first, c, c_row);
    }
}

}  // namespace alignsweep::kernels::detail
