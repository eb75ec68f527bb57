// SPDX-License-Identifier: Apache-2.0
// Completions of a model inside a stage.
#pragma once

#include "infer/models.hpp"
#include "model/generate.hpp"
#include "stages/artifacts.hpp"
#include "stages/context.hpp"

#include <functional>

namespace alignsweep::infer {

struct SamplingPlan {
    core::RandomStream stream;
    std::uint32_t step;  // tells samples of the same prompts apart; a prompt's place in the list is its row
    double temperature;
    config::Int max_new_tokens;
};

// One completion a prompt. `passed` is called between chunks with the share done; none may be given.
[[nodiscard]] std::vector<model::Completion> sample(Transformer& transformer, Weights const& weights,
                                                    std::vector<stages::Tokens> const& prompts,
                                                    SamplingPlan const& plan, int chunk,
                                                    std::function<void(double)> const& passed = nullptr);

}  // namespace alignsweep::infer
