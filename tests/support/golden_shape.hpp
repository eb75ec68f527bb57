// SPDX-License-Identifier: Apache-2.0
// What the goldens of whole models share (golden/README.md): how near we must come, and the shape that a file's
// attributes give.
#pragma once

#include "model/shape.hpp"
#include "support/hdf5_golden.hpp"

#include <string>
#include <type_traits>

namespace alignsweep::test {

// By norm: of log-probabilities, rewards and losses over the examples, of gradients over a tensor.
template <class Scalar>
constexpr double golden_tolerance = std::is_same_v<Scalar, float> ? 1e-5 : 1e-10;

// From the attributes of `group`.
inline model::Shape golden_shape(GoldenFile const& file, std::string const& group, bool scalar_head) {
    auto const size = [&](char const* key) { return file.int_attribute(group, key); };
    return {size("vocabulary"),
            size("width"),
            size("depth"),
            size("heads"),
            size("kv_heads"),
            size("hidden"),
            64,
            file.attribute(group, "rope_theta"),
            file.attribute(group, "norm_eps"),
            size("tied") != 0,
            scalar_head};
}

}  // namespace alignsweep::test
