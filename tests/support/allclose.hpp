// SPDX-License-Identifier: Apache-2.0
// Comparison of arrays in tests: the shape first, then every element against rtol and atol; a failure prints the worst
// few indices.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iomanip>
#include <limits>
#include <string>
#include <vector>

namespace alignsweep::test {

// An array on the host, row-major.
struct Array {
    std::vector<std::size_t> shape;
    std::vector<double> values;
};
inline Array array_of(std::vector<double> values) { return {{values.size()}, std::move(values)}; }

// |got - want| <= absolute + relative |want|.
struct Tolerance {
    double relative, absolute;
};

// For sums of about `terms` products of numbers near 1, computed in Scalar.
template <class Scalar>
Tolerance rounding(double terms = 16.0) {
    double const epsilon = std::numeric_limits<Scalar>::epsilon() * (4.0 + std::sqrt(terms) * 2.0);
    return {epsilon, epsilon * std::sqrt(std::max(1.0, terms))};
}

namespace detail {

inline std::string text_of(std::vector<std::size_t> const& indices) {
    std::string text = "[";
    for (std::size_t i = 0; i < indices.size(); ++i) { text += (i == 0 ? "" : ", ") + std::to_string(indices[i]); }
    return text + "]";
}

inline std::string index_text(std::size_t flat, std::vector<std::size_t> const& shape) {
    std::vector<std::size_t> index(shape.size());
    for (std::size_t d = shape.size(); d > 0; --d) {
        index[d - 1] = flat % shape[d - 1];
        flat /= shape[d - 1];
    }
    return text_of(index);
}

// By how much an element misses its tolerance; NaN equals nothing, an infinity itself alone.
inline double excess(double got, double want, Tolerance const& tolerance) {
    if (got == want) { return 0.0; }
    double const miss = std::abs(got - want) - tolerance.absolute - tolerance.relative * std::abs(want);
    if (!std::isfinite(got) || !std::isfinite(want)) { return std::numeric_limits<double>::infinity(); }
    return std::max(0.0, miss);
}

}  // namespace detail

inline testing::AssertionResult allclose(Array const& got, Array const& want, Tolerance const& tolerance) {
    constexpr std::size_t most_shown = 5;
    std::size_t size = 1;
    for (std::size_t const extent : want.shape) { size *= extent; }
    if (got.shape != want.shape || got.values.size() != size || want.values.size() != size) {
        return testing::AssertionFailure() << "shape " << detail::text_of(got.shape) << " with " << got.values.size()
                                           << " elements instead of " << detail::text_of(want.shape);
    }
    std::vector<std::size_t> wrong;
    auto const miss = [&](std::size_t i) { return detail::excess(got.values[i], want.values[i], tolerance); };
    for (std::size_t i = 0; i < size; ++i) {
        if (miss(i) > 0.0) { wrong.push_back(i); }
    }
    if (wrong.empty()) { return testing::AssertionSuccess(); }
    auto const shown = std::min(most_shown, wrong.size());
    std::partial_sort(wrong.begin(), wrong.begin() + static_cast<std::ptrdiff_t>(shown), wrong.end(),
                      [&](std::size_t a, std::size_t b) { return miss(a) != miss(b) ? miss(a) > miss(b) : a < b; });
    auto result = testing::AssertionFailure() << wrong.size() << " of " << size << " elements differ; the worst:";
    result << std::setprecision(12);
    for (std::size_t k = 0; k < shown; ++k) {
        result << "\n  at " << detail::index_text(wrong[k], want.shape) << ": " << got.values[wrong[k]]
               << " instead of " << want.values[wrong[k]];
    }
    return result;
}

inline testing::AssertionResult allclose(std::vector<double> const& got, std::vector<double> const& want,
                                         Tolerance const& tolerance) {
    return allclose(array_of(got), array_of(want), tolerance);
}

// |got - want| / |want| in the Euclidean norm; infinite where the sizes differ. Of a zero `want`: |got|.
inline double norm_error(std::vector<double> const& got, std::vector<double> const& want) {
    if (got.size() != want.size()) { return std::numeric_limits<double>::infinity(); }
    double difference = 0.0, norm = 0.0;
    for (std::size_t i = 0; i < want.size(); ++i) {
        difference += (got[i] - want[i]) * (got[i] - want[i]);
        norm += want[i] * want[i];
    }
    return std::sqrt(difference) / (norm > 0.0 ? std::sqrt(norm) : 1.0);
}

}  // namespace alignsweep::test
