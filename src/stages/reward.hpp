// SPDX-License-Identifier: Apache-2.0
// A finished reward model, ready to score.
#pragma once

#include "stages/trainer.hpp"

namespace alignsweep::stages {

// Scores are shifted and scaled to mean 0 and standard deviation 1 over the SFT model's own answers.
class Reward {
public:
    Reward(std::filesystem::path const& folder, int chunk)
        : weights_(load_model(folder)),
          transformer_(weights_.shape),
          mean_(load_state(folder, "score_mean")),
          deviation_(load_state(folder, "score_deviation")),
          chunk_(chunk) {}

    [[nodiscard]] std::vector<double> score(std::span<data::Example const* const> examples) {
        auto result = scores(transformer_, weights_, examples, chunk_);
        for (double& score : result) { score = (score - mean_) / deviation_; }
        return result;
    }
    [[nodiscard]] Weights const& weights() const { return weights_; }

private:
    Weights weights_;
    Transformer transformer_;
    double mean_, deviation_;
    int chunk_;
};

}  // namespace alignsweep::stages
