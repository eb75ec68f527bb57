// SPDX-License-Identifier: Apache-2.0
// Small models and batches for the model's tests.
#pragma once

#include "model/transformer.hpp"
#include "support/numbers.hpp"

#include <type_traits>

namespace alignsweep::model {

using Numbers = std::vector<double>;

template <class Scalar>
inline constexpr Precision precision_of = std::is_same_v<Scalar, float> ? Precision::float32 : Precision::float64;

// vocabulary 13, width 8, two layers, grouped queries (4 heads on 2), hidden 12, context 48.
inline Shape small_shape(bool tied, bool scalar_head) {
    return {13, 8, 2, 4, 2, 12, 48, 100.0, 1e-5, tied, scalar_head};
}

// Weights large enough that no part of the model is nearly linear.
template <class Scalar>
Weights small_weights(Shape const& shape, std::uint64_t seed = 3) {
    Weights weights(shape, precision_of<Scalar>);
    initialise(weights, seed, 0.4, 0.8);
    return weights;
}

// Sequences of drawn tokens, packed; targets are the next tokens from the second on.
struct SmallBatch {
    test::Ints tokens, offsets{0}, target_rows, target_tokens, value_rows;

    explicit SmallBatch(test::Ints const& lengths, int vocabulary = 13, std::string_view name = "batch") {
        core::Draws draws(core::RandomStream(1, name), 0);
        for (std::int32_t const length : lengths) {
            for (std::int32_t i = 0; i < length; ++i) {
                tokens.push_back(static_cast<std::int32_t>(draws.index(static_cast<std::size_t>(vocabulary))));
            }
            std::int32_t const begin = offsets.back(), end = begin + length;
            for (std::int32_t row = begin; row + 1 < end; ++row) {
                target_rows.push_back(row);
                target_tokens.push_back(tokens[static_cast<std::size_t>(row) + 1]);
            }
            if (length > 0) { value_rows.push_back(end - 1); }
            offsets.push_back(end);
        }
    }
    [[nodiscard]] ChunkInput input(bool with_values = false) const {
        return {tokens, offsets, target_rows, target_tokens,
                with_values ? std::span<std::int32_t const>(value_rows) : std::span<std::int32_t const>()};
    }
};

inline std::vector<double> elements(std::vector<double> const& flat, Tensor const& tensor) {
    return {flat.begin() + tensor.offset, flat.begin() + tensor.offset + tensor.size()};
}

}  // namespace alignsweep::model
