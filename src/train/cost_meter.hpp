// SPDX-License-Identifier: Apache-2.0
// What a stage costs: tokens through each model, and the operations that they took.
#pragma once

#include "data/batch.hpp"
#include "stages/context.hpp"

#include <span>
#include <string>

namespace alignsweep::train {

// Prompts included.
[[nodiscard]] inline double tokens_of(std::span<data::Example const> examples) {
    double tokens = 0.0;
    for (data::Example const& example : examples) { tokens += static_cast<double>(example.tokens()); }
    return tokens;
}

// Adds to tokens/<role> and flops/<role>: `seen` tokens went forward alone, 2 operations a parameter each; `learned`
// ones forward and backward, 6 (Kaplan et al., arXiv:2001.08361, section 2.1).
inline void add_model_cost(stages::Context& context, std::string const& role, std::int64_t parameters, double seen,
                           double learned = 0.0) {
    context.add_cost("tokens/" + role, seen + learned);
    context.add_cost("flops/" + role, static_cast<double>(parameters) * (2.0 * seen + 6.0 * learned));
}

}  // namespace alignsweep::train
