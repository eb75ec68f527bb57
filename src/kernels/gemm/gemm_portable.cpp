// SPDX-License-Identifier: Apache-2.0
// Products on a host: tiles over both sides of c, each the work of one thread. Of the operands only b is copied, and
// only where its columns do not stand side by side: transposed, or a last panel that is narrower than a tile.
#include "kernels/gemm/blocks.hpp"

#include <algorithm>
#include <vector>

namespace alignsweep::kernels {

namespace {

// op(b) in panels of a tile's columns, from panel `first` on.
template <class Scalar>
struct Panels {
    Scalar const* data;
    int first;
    std::ptrdiff_t panel, row;  // from one panel to the next, and from one row of a panel to the next
};

template <class Body>
void in_parallel(std::string const& label, auto const& space, int count, Body const& body) {
    using ExecSpace = std::remove_cvref_t<decltype(space)>;
    Kokkos::parallel_for(label, Kokkos::RangePolicy<ExecSpace, Kokkos::Schedule<Kokkos::Static>>(space, 0, count),
                         body);
}

// Copies panels [first, last) of op(b), [k, n], each [k, columns] and filled up with zeros.
template <class ExecSpace, class Scalar>
void copy_panels(ExecSpace const& space, detail::Strided<Scalar> b, int n, int k, int first, int last, Scalar* to) {
    constexpr int columns = detail::Tile<Scalar>::columns;
    in_parallel("alignsweep::kernels::gemm::panels", space, last - first, [=](int p) {
        Scalar* const panel = to + static_cast<std::ptrdiff_t>(p) * columns * k;
        int const column_0 = (first + p) * columns, count = std::min(columns, n - column_0);
        for (int j = 0; j < columns; ++j) {
            Scalar const* const from = b.data + (column_0 + j) * b.column;
            if (j < count) {
                for (int l = 0; l < k; ++l) { panel[l * columns + j] = from[l * b.row]; }
            } else {
                for (int l = 0; l < k; ++l) { panel[l * columns + j] = 0; }
            }
        }
    });
}

template <class Scalar>
detail::Strided<Scalar> strided(Op op, auto const& view) {
    auto const row = static_cast<std::ptrdiff_t>(view.stride(0));
    return op == Op::none ? detail::Strided<Scalar>{view.data(), row, 1} : detail::Strided<Scalar>{view.data(), 1, row};
}

// A product's sizes and operands. A panel that is narrower than a tile is read from `narrow`.
template <class Scalar>
struct Product {
    int m, n, k;
    detail::Strided<Scalar> a;
    Panels<Scalar> b, narrow;
    bool add;
    Scalar* c;
    std::ptrdiff_t c_row;

    static constexpr int rows = detail::Tile<Scalar>::rows, columns = detail::Tile<Scalar>::columns;
    static constexpr int strip = 8 * rows;  // rows of c that one thread works on

    // Rows [row_0, row_1) and panels [panel_0, panel_1) of c.
    void part(int row_0, int row_1, int panel_0, int panel_1) const {
        for (int block = 0; block < k; block += k_block) {
            int const depth = std::min(k_block, k - block);
            bool const first = block == 0 && !add;
            for (int p = panel_0; p < panel_1; ++p) {
                int const width = std::min(columns, n - p * columns);
                Panels<Scalar> const& source = width < columns ? narrow : b;
                Scalar const* const panel = source.data + (p - source.first) * source.panel + block * source.row;
                for (int i = row_0; i < row_1; i += rows) {
                    int const count = std::min(rows, row_1 - i);
                    detail::Strided<Scalar> const left{a.data + i * a.row + block * a.column, a.row, a.column};
                    Scalar* const to = c + i * c_row + p * columns;
                    if (width == columns) {
                        detail::multiply_rows<Scalar, 2>(count, depth, left, panel, source.row, first, to, c_row);
                    } else if (width > detail::Tile<Scalar>::width) {
                        narrow_tile<2>(count, width, depth, left, panel, source.row, first, to);
                    } else {
                        narrow_tile<1>(count, width, depth, left, panel, source.row, first, to);
                    }
                }
            }
        }
    }

    template <int registers>
    void narrow_tile(int count, int width, int depth, detail::Strided<Scalar> left, Scalar const* panel,
                     std::ptrdiff_t panel_row, bool first, Scalar* to) const {
        Scalar whole[rows * columns];
        detail::multiply_rows<Scalar, registers>(count, depth, left, panel, panel_row, true, whole, columns);
        for (int r = 0; r < count; ++r) {
            Scalar const* const from = whole + r * columns;
            Scalar* const row = to + r * c_row;
#pragma GCC ivdep
            for (int j = 0; j < width; ++j) { row[j] = first ? from[j] : row[j] + from[j]; }
        }
    }

    // Tiles of up to 8 x 8 register tiles, fewer columns where there would not be enough for all threads.
    template <class ExecSpace>
    void run(ExecSpace const& space) const {
        int const panels = (n + columns - 1) / columns, strips = (m + strip - 1) / strip;
        int const share = std::clamp(panels * strips / (4 * space.concurrency()), 1, 8);
        int const parts = (panels + share - 1) / share;
        in_parallel("alignsweep::kernels::gemm::tiles", space, strips * parts,
                    [product = *this, share, parts, panels](int tile) {
                        int const row_0 = tile / parts * strip, panel_0 = tile % parts * share;
                        product.part(row_0, std::min(product.m, row_0 + strip), panel_0,
                                     std::min(panels, panel_0 + share));
                    });
    }
};

}  // namespace

template <class ExecSpace, class Scalar>
void gemm(ExecSpace const& space, Op op_a, Op op_b, Arg<ConstMatrix<ExecSpace, Scalar>> a,
          Arg<ConstMatrix<ExecSpace, Scalar>> b, bool add, Matrix<ExecSpace, Scalar> c) {
    assert_views<2, 2, 2>(space, a, b, c);
    static_assert(is_host<ExecSpace>, "multiplies in host memory");
    constexpr int columns = detail::Tile<Scalar>::columns;
    int const m = c.extent_int(0), n = c.extent_int(1), k = op_a == Op::none ? a.extent_int(1) : a.extent_int(0);
    if (m == 0 || n == 0) { return; }
    if (k == 0) {
        if (!add) { Kokkos::deep_copy(space, c, Scalar(0)); }
        return;
    }
    auto const right = strided<Scalar>(op_b, b);
    int const panels = (n + columns - 1) / columns, first_copied = op_b == Op::none ? n / columns : 0;
    // Launches return when they are done, so one buffer a thread that launches is enough.
    thread_local std::vector<Scalar> buffer;
    std::ptrdiff_t const panel_size = static_cast<std::ptrdiff_t>(columns) * k;
    auto const needed = static_cast<std::size_t>((panels - first_copied) * panel_size);
    if (buffer.size() < needed) { buffer.resize(needed); }
    if (needed > 0) { copy_panels(space, right, n, k, first_copied, panels, buffer.data()); }
    Panels<Scalar> const copied{buffer.data(), first_copied, panel_size, columns};
    Panels<Scalar> const direct{b.data(), 0, columns, right.row};
    Product<Scalar>{m,
                    n,
                    k,
                    strided<Scalar>(op_a, a),
                    op_b == Op::none ? direct : copied,
                    copied,
                    add,
                    c.data(),
                    static_cast<std::ptrdiff_t>(c.stride(0))}
        .run(space);
}

template <class ExecSpace, class Scalar>
Vector<ExecSpace, Scalar> pack_transposed(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> w) {
    assert_views<2>(space, w);
    constexpr int columns = detail::Tile<Scalar>::columns;
    int const n = w.extent_int(0), k = w.extent_int(1), panels = (n + columns - 1) / columns;
    Vector<ExecSpace, Scalar> const packed(
        Kokkos::view_alloc(space, Kokkos::WithoutInitializing, "alignsweep::kernels::gemm::packed"),
        static_cast<std::size_t>(panels) * columns * static_cast<std::size_t>(k));
    if (packed.size() > 0) { copy_panels(space, strided<Scalar>(Op::transpose, w), n, k, 0, panels, packed.data()); }
    return packed;
}

template <class ExecSpace, class Scalar>
void gemm_packed(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> a, Arg<ConstMatrix<ExecSpace, Scalar>> w,
                 Arg<ConstVector<ExecSpace, Scalar>> packed, bool add, Matrix<ExecSpace, Scalar> c) {
    assert_views<2, 2, 1, 2>(space, a, w, packed, c);
    constexpr int columns = detail::Tile<Scalar>::columns;
    int const m = c.extent_int(0), n = c.extent_int(1), k = a.extent_int(1);
    if (m == 0 || n == 0 || k == 0) {
        gemm<ExecSpace, Scalar>(space, Op::none, Op::transpose, a, w, add, c);
        return;
    }
    Panels<Scalar> const panels{packed.data(), 0, static_cast<std::ptrdiff_t>(columns) * k, columns};
    Product<Scalar>{
        m, n, k, strided<Scalar>(Op::none, a), panels, panels, add, c.data(), static_cast<std::ptrdiff_t>(c.stride(0))}
        .run(space);
}

#define INSTANTIATE(E, S)                   \
    ALIGNSWEEP_INSTANTIATE_GEMM(gemm, E, S) \
    ALIGNSWEEP_INSTANTIATE_PACKED(E, S)
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
