// SPDX-License-Identifier: Apache-2.0
// Checkpoints: named tensors, the optimiser's flat arrays, and the scalars a run needs to go on exactly. Host memory
// only; float32 and float64 stay what they are.
//
//   /parameters/<tensor name>   row-major, names with dots as in Hugging Face Llama ("model.embed_tokens.weight")
//   /optimizer/<name>           flat, in the order of the parameters
//   /state                      attributes: counters, coefficients
//   root attributes             schema, schema_version, and the shape of the model
#pragma once

#include "store/file.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace alignsweep::store {

using Reals = std::variant<std::span<float const>, std::span<double const>>;
using OwnedReals = std::variant<std::vector<float>, std::vector<double>>;
// int64 and double come back as what they were.
using StateValue = std::variant<std::int64_t, double>;

struct NamedTensor {
    std::string name;                // without slashes
    std::vector<std::int64_t> dims;  // at least one
    Reals values;                    // [product of dims]
};

// What a checkpoint is written from; the spans stay the caller's.
struct CheckpointView {
    std::vector<NamedTensor> tensors;
    std::map<std::string, Reals> optimizer;  // "m" and "v"; empty in a finished stage
    std::map<std::string, StateValue> state;
    std::map<std::string, Attribute> attributes;
};

struct StoredTensor {
    std::string name;
    std::vector<std::int64_t> dims;
    OwnedReals values;
};

struct Checkpoint {
    std::vector<StoredTensor> tensors;  // in the order in which they were written
    std::map<std::string, OwnedReals> optimizer;
    std::map<std::string, StateValue> state;
    std::map<std::string, Attribute> attributes;  // without schema and schema_version
};

// Returns the file's digest; throws IoError.
std::string save_checkpoint(std::filesystem::path const& file, CheckpointView const& checkpoint);

// Sees a checkpoint before any tensor is read: attributes, state, names and dims, but no values. What it throws ends
// the reading, so that a file whose shape is wrong takes no memory.
using CheckpointCheck = std::function<void(Checkpoint const&)>;

// Throws IoError, naming the dataset.
[[nodiscard]] Checkpoint load_checkpoint(std::filesystem::path const& file, CheckpointCheck const& check = {});

}  // namespace alignsweep::store
