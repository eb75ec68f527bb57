// SPDX-License-Identifier: Apache-2.0
// Models in the files of finished stages.
#pragma once

#include "model/transformer.hpp"
#include "store/checkpoint.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace alignsweep::infer {

using model::Transformer;
using model::Weights;

// A model, and the further numbers of its file (a reward model's mean and standard deviation, the beta of an aligned
// model).
struct StoredModel {
    Weights weights;
    std::map<std::string, double> state{};

    // One of them; nothing where it is not there.
    [[nodiscard]] std::optional<double> number(std::string const& name) const {
        auto const found = state.find(name);
        return found == state.end() ? std::nullopt : std::optional(found->second);
    }
};

// Writes a finished model: parameters, shape and further numbers, no optimiser state. Throws TrialError for weights
// that are not finite.
void save_model_file(std::filesystem::path const& file, Weights const& weights,
                     std::map<std::string, double> const& state = {});
// Reads it, in float or double. Throws IoError where no model can have its shape, or a tensor is missing or has another
// one; that is seen before any tensor is read.
StoredModel load_model_file(std::filesystem::path const& file, model::Precision precision = model::Precision::float32);

// The finished model of a stage: <folder>/checkpoint.h5.
inline void save_model(std::filesystem::path const& folder, Weights const& weights,
                       std::map<std::string, double> const& state = {}) {
    save_model_file(folder / "checkpoint.h5", weights, state);
}
inline StoredModel load_stored_model(std::filesystem::path const& folder) {
    return load_model_file(folder / "checkpoint.h5");
}
inline Weights load_model(std::filesystem::path const& folder) { return load_stored_model(folder).weights; }
// As load_model, with a scalar head whose first weights are drawn from `seed` where the file has none.
Weights load_model_with_head(std::filesystem::path const& folder, std::uint64_t seed);

// PPO's finished value model: <folder>/value.h5, written and read as the policy is, with its scalar head.
inline void save_value_model(std::filesystem::path const& folder, Weights const& weights) {
    save_model_file(folder / "value.h5", weights);
}
inline Weights load_value_model(std::filesystem::path const& folder) {
    return load_model_file(folder / "value.h5").weights;
}

// A checkpoint's attribute, state or optimiser's buffer of that name; nullptr where it has none of this type.
template <class T, class Value>
[[nodiscard]] T const* find_value(std::map<std::string, Value> const& values, std::string const& name) {
    auto const found = values.find(name);
    return found == values.end() ? nullptr : std::get_if<T>(&found->second);
}

// A model's tensors on their way to a checkpoint: copies under their names after `prefix`; `tensors` points into
// `values`.
struct HostTensors {
    std::vector<float> values;
    std::vector<store::NamedTensor> tensors;

    HostTensors(std::string const& prefix, Weights const& weights);
};

// Sets the model's tensors to those that the checkpoint has under their names after `prefix`; `all`: each must be
// there. `file` is the checkpoint's, for messages. Throws IoError, before any is set, where one is missing or has
// another shape.
void restore(store::Checkpoint const& checkpoint, std::filesystem::path const& file, std::string const& prefix,
             Weights& weights, bool all);

}  // namespace alignsweep::infer
