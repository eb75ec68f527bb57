// SPDX-License-Identifier: Apache-2.0
// Models in the files of finished stages.
#pragma once

#include "model/transformer.hpp"
#include "store/model_sizes.hpp"

#include <filesystem>
#include <map>
#include <optional>

namespace alignsweep::infer {

using model::Transformer;
using model::Weights;

// The shape of sizes that were checked (store::size_defect).
[[nodiscard]] model::Shape make_shape(store::ModelSizes const& sizes);

// Writes the finished model of a stage: <folder>/checkpoint.h5, parameters and shape, no optimiser state. `state`:
// further numbers (a reward model's mean and standard deviation, the beta of an aligned model). Throws TrialError for
// weights that are not finite.
void save_model(std::filesystem::path const& folder, Weights const& weights,
                std::map<std::string, double> const& state = {});

// Reads it. Throws IoError where no model can have its shape, or a tensor is missing or has another one; that is seen
// before any tensor is read.
Weights load_model(std::filesystem::path const& folder);
// With the further numbers that save_model took.
struct StoredModel {
    Weights weights;
    std::map<std::string, double> state{};

    // One of them; nothing where it is not there.
    [[nodiscard]] std::optional<double> number(std::string const& name) const {
        auto const found = state.find(name);
        return found == state.end() ? std::nullopt : std::optional(found->second);
    }
};
StoredModel load_stored_model(std::filesystem::path const& folder);
// The same from any such file, in float or double.
StoredModel load_model_file(std::filesystem::path const& file, model::Precision precision = model::Precision::float32);
// As load_model, with a scalar head whose first weights are drawn from `seed` where the file has none.
Weights load_model_with_head(std::filesystem::path const& folder, std::uint64_t seed);

// PPO's finished value model: <folder>/value.h5, written and read as the policy is, with its scalar head.
void save_value_model(std::filesystem::path const& folder, Weights const& weights);
Weights load_value_model(std::filesystem::path const& folder);

}  // namespace alignsweep::infer
