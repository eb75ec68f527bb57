// SPDX-License-Identifier: Apache-2.0
// What the tests of the losses share: chunks of made-up outputs, and derivatives by finite differences.
#pragma once

#include "core/random.hpp"
#include "losses/loss.hpp"
#include "losses/preference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

namespace alignsweep::losses::testing {

inline data::Example example_of(int prompt, int completion) {
    return {std::vector<std::int32_t>(static_cast<std::size_t>(prompt), 1),
            std::vector<std::int32_t>(static_cast<std::size_t>(completion), 2)};
}

inline std::vector<Pair> some_pairs(int count) {
    std::vector<Pair> pairs;
    for (int i = 0; i < count; ++i) {
        pairs.push_back({example_of(2, 3), example_of(2, 2), -4.0 + 0.7 * i, -3.0 - 0.4 * i});
    }
    return pairs;
}

// A chunk of sequences with `lengths[i]` targets each, `per_example` of them an example, and made-up outputs.
struct ChunkCase {
    std::vector<SequenceOutputs> sequences;
    model::ChunkOutputs outputs;

    ChunkCase(std::vector<int> const& lengths, int per_example, ValueRows values, std::int64_t first_example = 0) {
        std::size_t target = 0, value = 0;
        for (std::size_t s = 0; s < lengths.size(); ++s) {
            auto const length = static_cast<std::size_t>(lengths[s]);
            std::size_t const value_length = values == ValueRows::targets ? length : values == ValueRows::last ? 1 : 0;
            auto const unit = static_cast<std::size_t>(per_example);
            sequences.push_back({first_example + static_cast<std::int64_t>(s / unit), static_cast<int>(s % unit),
                                 target, target + length, value, value + value_length});
            target += length;
            value += value_length;
        }
        core::Draws draws(core::RandomStream(7, "methods_test"), 0, static_cast<std::uint32_t>(first_example));
        for (std::size_t t = 0; t < target; ++t) {
            outputs.logprob.push_back(-3.0 * draws.uniform());
            outputs.entropy.push_back(draws.uniform());
        }
        for (std::size_t v = 0; v < value; ++v) { outputs.value.push_back(draws.normal()); }
    }

    [[nodiscard]] double logp(std::size_t sequence) const { return logp(sequence, outputs.logprob); }
    [[nodiscard]] double logp(std::size_t sequence, std::vector<double> const& logprob) const {
        auto const begin = logprob.begin();
        return std::accumulate(begin + static_cast<std::ptrdiff_t>(sequences[sequence].target_begin),
                               begin + static_cast<std::ptrdiff_t>(sequences[sequence].target_end), 0.0);
    }
};

inline std::vector<std::int64_t> all_of(Loss const& objective) {
    std::vector<std::int64_t> examples(static_cast<std::size_t>(objective.size()));
    std::iota(examples.begin(), examples.end(), 0);
    return examples;
}

// `derivative` is that of `loss` by each of its arguments, at `at`.
inline void expect_derivative(std::vector<double> const& derivative, std::vector<double> const& at,
                              std::function<double(std::vector<double> const&)> const& loss) {
    ASSERT_EQ(derivative.size(), at.size());
    constexpr double step = 1e-5;
    for (std::size_t i = 0; i < at.size(); ++i) {
        auto above = at, below = at;
        above[i] += step;
        below[i] -= step;
        double const expected = (loss(above) - loss(below)) / (2.0 * step);
        EXPECT_NEAR(derivative[i], expected, 1e-9 + 1e-6 * std::abs(expected)) << "argument " << i;
    }
}

// Logistic function, written down again so that no test rests on the code under test.
inline double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

}  // namespace alignsweep::losses::testing
