// SPDX-License-Identifier: Apache-2.0
// A model's tensors on their way to a checkpoint and back.
#pragma once

#include "model/weights.hpp"
#include "store/checkpoint.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace alignsweep::infer {

// Copies of a model's tensors, under their names after `prefix`; `tensors` points into `values`.
struct HostTensors {
    std::vector<float> values;
    std::vector<store::NamedTensor> tensors;

    HostTensors(std::string const& prefix, model::Weights const& weights);
};

// Sets the model's tensors to those that the checkpoint has under their names after `prefix`; `all`: each must be
// there. `file` is the checkpoint's, for messages. Throws IoError, before any is set, where one is missing or has
// another shape.
void restore(store::Checkpoint const& checkpoint, std::filesystem::path const& file, std::string const& prefix,
             model::Weights& weights, bool all);

}  // namespace alignsweep::infer
