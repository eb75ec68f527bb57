// SPDX-License-Identifier: Apache-2.0
// What batched generation takes and gives, on the host.
#pragma once

#include "core/random.hpp"
#include "kernels/sampling_rule.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::model {

struct Completion {
    std::vector<std::int32_t> tokens;  // with the end token, if it came
    std::vector<double> logprobs;      // of each token, at the sampling temperature
    bool ended = false;                // whether the end token came
};

struct GenerationRequest {
    std::span<std::vector<std::int32_t> const> prompts;  // each at least one token
    std::span<std::int32_t const> row_ids;               // names of the rows for the random stream
    kernels::SamplingRule rule;
    core::RandomStream stream;
    std::uint32_t step = 0;
    int max_new_tokens = 0;
    std::int32_t end_token = 0;
    int chunk = 32;  // prompts that run side by side
};

}  // namespace alignsweep::model
