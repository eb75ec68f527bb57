// SPDX-License-Identifier: Apache-2.0
// Models from outside a sweep: a finished stage's checkpoint, or a Hugging Face folder of a Llama.
#pragma once

#include "infer/models.hpp"

#include <filesystem>

namespace alignsweep::infer {

struct ModelSource {
    std::filesystem::path folder;      // the stage's, or that of config.json
    std::filesystem::path checkpoint;  // empty: a Hugging Face folder

    [[nodiscard]] bool is_checkpoint() const { return !checkpoint.empty(); }
};

// What a path of the user's is. Throws IoError where it is not a model.
[[nodiscard]] ModelSource find_model(std::filesystem::path const& path);

// Reads it. Throws IoError for damaged files, tensors that are missing, of another shape, or that a Llama has no place
// for; ConfigError for a model that is not supported.
[[nodiscard]] StoredModel load_any_model(ModelSource const& source, model::Precision precision);

}  // namespace alignsweep::infer
