// SPDX-License-Identifier: Apache-2.0
// The scalar and the execution space that stages run on, and models in files.
#pragma once

#include "model/optimizer.hpp"
#include "model/transformer.hpp"
#include "store/model_sizes.hpp"

#include <filesystem>
#include <map>

namespace alignsweep::infer {

using Space = Kokkos::DefaultExecutionSpace;
using Real = float;
using Weights = model::Parameters<Space, Real>;
using Transformer = model::Transformer<Space, Real>;
using Optimizer = model::Adamw<Space, Real>;

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
template <class Scalar>
struct StoredModelAs {
    model::Parameters<Space, Scalar> weights;
    std::map<std::string, double> state;
};
using StoredModel = StoredModelAs<Real>;
StoredModel load_stored_model(std::filesystem::path const& folder);
// The same from any such file, in float or double.
template <class Scalar>
StoredModelAs<Scalar> load_model_as(std::filesystem::path const& file);
// As load_model, with a scalar head whose first weights are drawn from `seed` where the file has none.
Weights load_model_with_head(std::filesystem::path const& folder, std::uint64_t seed);

// PPO's finished value model: <folder>/value.h5, written and read as the policy is, with its scalar head.
void save_value_model(std::filesystem::path const& folder, Weights const& weights);
Weights load_value_model(std::filesystem::path const& folder);

// A model in training, or (without an optimiser) one that changes beside it.
struct Trainee {
    std::string name;  // prefix in the checkpoint: "", "value." or "reference."
    Weights* weights;
    Optimizer* optimizer;  // nullptr: none
};

// Checkpoints of a running stage: <folder>/checkpoint-<step>.h5; the two newest are kept.
void save_progress(std::filesystem::path const& folder, std::int64_t step, std::vector<Trainee> const& trainees,
                   std::map<std::string, double> const& state);
// Restores the newest whole checkpoint and returns its step; 0 where there is none.
std::int64_t load_progress(std::filesystem::path const& folder, std::vector<Trainee> const& trainees,
                           std::map<std::string, double>& state);
// Removes all of them, once the stage is finished.
void remove_progress(std::filesystem::path const& folder);

}  // namespace alignsweep::infer
