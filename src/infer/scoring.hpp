// SPDX-License-Identifier: Apache-2.0
// What a model says of ready sequences: log-probabilities of their tokens, and the scalar head's numbers.
#pragma once

#include "data/batch.hpp"
#include "infer/models.hpp"

#include <span>
#include <vector>

namespace alignsweep::infer {

// Forward-only results for any number of sequences, in chunks.
// Log-probability of each target token (completion) of each example, in order.
std::vector<std::vector<double>> token_logprobs(Transformer& transformer, Weights const& weights,
                                                std::span<data::Example const* const> examples, double temperature,
                                                data::TargetKind targets, int chunk);
// Their sums.
std::vector<double> sequence_logprobs(Transformer& transformer, Weights const& weights,
                                      std::span<data::Example const* const> examples, int chunk);
// The scalar head at each example's last token, or at every target row.
std::vector<double> scores(Transformer& transformer, Weights const& weights,
                           std::span<data::Example const* const> examples, int chunk);
std::vector<std::vector<double>> token_values(Transformer& transformer, Weights const& weights,
                                              std::span<data::Example const* const> examples, int chunk);

// Pointers to examples, as the functions above take them.
std::vector<data::Example const*> pointers(std::span<data::Example const> examples);

}  // namespace alignsweep::infer
