// SPDX-License-Identifier: Apache-2.0
#include "store/model_sizes.hpp"

#include "core/error.hpp"

#include <cmath>

namespace alignsweep::store {

namespace {

constexpr std::int64_t widest_head = 128;  // what the attention kernels hold

}  // namespace

std::string size_defect(ModelSizes const& sizes, SizeNames const& names) {
    using core::concat;
    // Rows and columns of every matrix stay an int. No tensor has the context's size, so nothing else bounds the rotary
    // table: 2^20 positions of the widest head are 1 GB in double.
    std::array<std::int64_t, 7> const values{sizes.vocabulary, sizes.width,  sizes.depth,  sizes.heads,
                                             sizes.kv_heads,   sizes.hidden, sizes.context};
    constexpr std::array<std::int64_t, 7> most{1 << 24, 1 << 16, 4096, 4096, 4096, 1 << 20, 1 << 20};
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] < 1 || values[i] > most[i]) {
            return concat(names[i], " = ", values[i], ": an integer from 1 to ", most[i], " is allowed");
        }
    }
    std::int64_t const head_dim = sizes.width / sizes.heads;
    if (sizes.width % sizes.heads != 0 || head_dim % 2 != 0 || head_dim > widest_head) {
        return concat(names[1], " / ", names[3], " = ", sizes.width, " / ", sizes.heads,
                      ": an even quotient of at most ", widest_head, " is supported");
    }
    if (sizes.heads % sizes.kv_heads != 0) {
        return concat(names[4], " = ", sizes.kv_heads, ": a divisor of ", names[3], " = ", sizes.heads, " is allowed");
    }
    std::array<double, 2> const reals{sizes.rope_theta, sizes.norm_eps};
    for (std::size_t i = 0; i < reals.size(); ++i) {
        if (!(reals[i] > 0.0) || !std::isfinite(reals[i])) {
            return concat(names[7 + i], " = ", reals[i], ": a finite number above 0 is allowed");
        }
    }
    return {};
}

}  // namespace alignsweep::store
