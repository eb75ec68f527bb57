// SPDX-License-Identifier: Apache-2.0
// The sizes of a model as a file states them, and whether any model can have them.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace alignsweep::store {

struct ModelSizes {
    std::int64_t vocabulary = 0, width = 0, depth = 0, heads = 0, kv_heads = 0, hidden = 0, context = 0;
    double rope_theta = 0.0, norm_eps = 0.0;
    bool tied = false;
    bool scalar_head = false;  // one more output: a reward or a value
};

// What a file calls them, in the order of ModelSizes; "" where it has no word for one.
using SizeNames = std::array<char const*, 9>;

// What is wrong, with the name and what is allowed; empty: nothing. All that is computed from sizes without a defect
// (head sizes, the number of parameters) fits its type.
[[nodiscard]] std::string size_defect(ModelSizes const& sizes, SizeNames const& names);

}  // namespace alignsweep::store
