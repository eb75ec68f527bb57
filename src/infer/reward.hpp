// SPDX-License-Identifier: Apache-2.0
// A finished reward model, ready to score.
#pragma once

#include "core/error.hpp"
#include "infer/scoring.hpp"

namespace alignsweep::infer {

// Scores are shifted and scaled to mean 0 and standard deviation 1 over the SFT model's own answers, unless
// reward_model.normalise is off.
class Reward {
public:
    // Throws IoError for a checkpoint that is not a reward model's.
    Reward(std::filesystem::path const& folder, int chunk) : Reward(load_stored_model(folder), folder, chunk) {}

    [[nodiscard]] std::vector<double> score(std::span<data::Example const* const> examples) {
        auto result = scores(transformer_, weights_, examples, chunk_);
        for (double& score : result) { score = (score - mean_) / deviation_; }
        return result;
    }

    [[nodiscard]] std::int64_t parameter_count() const { return weights_.layout.parameter_count(); }

private:
    Reward(StoredModel stored, std::filesystem::path const& folder, int chunk)
        : weights_(std::move(stored.weights)), transformer_(weights_.shape), chunk_(chunk) {
        auto const mean = stored.number("score_mean"), deviation = stored.number("score_deviation");
        if (!mean || !deviation) {
            throw core::IoError((folder / "checkpoint.h5").string(),
                                ": state score_mean, score_deviation: missing, so this is not a reward model");
        }
        mean_ = *mean;
        deviation_ = *deviation;
    }

    Weights weights_;
    Transformer transformer_;
    double mean_ = 0.0, deviation_ = 1.0;
    int chunk_;
};

}  // namespace alignsweep::infer
