// SPDX-License-Identifier: Apache-2.0
#include "infer/sampling.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace alignsweep::infer {

std::vector<model::Completion> sample(Transformer& transformer, Weights const& weights,
                                      std::vector<stages::Tokens> const& prompts, SamplingPlan const& plan, int chunk,
                                      std::function<void(double)> const& passed) {
    std::vector<std::int32_t> rows(prompts.size());
    std::iota(rows.begin(), rows.end(), 0);
    std::span<stages::Tokens const> const asked(prompts);
    std::span<std::int32_t const> const ids(rows);
    // Chunks know nothing of each other, so asking for them one by one moves no bit.
    std::size_t const part = passed ? static_cast<std::size_t>(chunk) : std::max<std::size_t>(1, prompts.size());
    std::vector<model::Completion> completions;
    for (std::size_t first = 0; first < prompts.size(); first += part) {
        std::size_t const count = std::min(part, prompts.size() - first);
        auto some = transformer.generate(weights, {asked.subspan(first, count),
                                                   ids.subspan(first, count),
                                                   {.temperature = plan.temperature},
                                                   plan.stream,
                                                   plan.step,
                                                   static_cast<int>(plan.max_new_tokens),
                                                   data::end_token_of(weights.shape.vocabulary),
                                                   chunk});
        std::move(some.begin(), some.end(), std::back_inserter(completions));
        if (passed) { passed(static_cast<double>(first + count) / static_cast<double>(prompts.size())); }
    }
    return completions;
}

}  // namespace alignsweep::infer
