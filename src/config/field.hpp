// SPDX-License-Identifier: Apache-2.0
// What a field of a configuration struct may hold. Every struct lists its fields once, in `fields(visitor)`; that
// list gives defaults, help, parsing, checking, printing and the hash (no second list to keep in step).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace alignsweep::config {

using Int = std::int64_t;

// Closed range of a number.
struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
};
inline constexpr Range any{};
inline constexpr Range positive{1e-300};
inline constexpr Range non_negative{0.0};
inline constexpr Range at_least_one{1.0};
inline constexpr Range probability{0.0, 1.0};

// The allowed values of a text field.
using Choices = std::vector<std::string>;

// Marks a text field as a path to an input file: relative to the INI file that sets it; a stage's key holds the
// digest of the content instead of the path.
struct InputFile {};

}  // namespace alignsweep::config
