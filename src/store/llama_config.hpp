// SPDX-License-Identifier: Apache-2.0
// config.json of a Hugging Face folder, for Llama models alone. A key that changes what the model computes is read,
// or is an error: none is passed over.
#pragma once

#include "store/model_sizes.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace alignsweep::store {

struct LlamaConfig : ModelSizes {
    std::int64_t end_token = -1;  // eos_token_id where it is one number; -1: none, or several
};

// Reads <folder>/config.json. Throws IoError for a file that is missing or malformed, ConfigError for a model that is
// no Llama or a Llama with something that is not supported (rope scaling, biases, another activation, ...).
[[nodiscard]] LlamaConfig read_llama_config(std::filesystem::path const& folder);

// What <folder>/tokenizer_config.json says about a switch ("add_bos_token"): 1, 0, or -1 for nothing.
[[nodiscard]] int tokenizer_switch(std::filesystem::path const& folder, char const* name);

// Whether the folder has a chat template (in tokenizer_config.json, or as a file of its own).
[[nodiscard]] bool has_chat_template(std::filesystem::path const& folder);

}  // namespace alignsweep::store
