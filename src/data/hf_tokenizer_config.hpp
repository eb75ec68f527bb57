// SPDX-License-Identifier: Apache-2.0
// What transformers adds to a tokenizer.json from the files beside it.
// Source: transformers 5, tokenization_utils_base.py (_from_pretrained) and tokenization_utils_tokenizers.py
// (__init__).
#pragma once

#include "data/hf_tokenizer.hpp"

#include <filesystem>
#include <string>

namespace alignsweep::data {

// Adds the tokens of <folder>/tokenizer_config.json (added_tokens_decoder, the special tokens, additional ones) to
// those of the folder's tokenizer.json; without an added_tokens_decoder those of special_tokens_map.json and
// added_tokens.json, too. Files may be missing. Returns the text of the end token; empty: none is named. Throws
// IoError.
std::string add_configured_tokens(std::filesystem::path const& folder, HfTokenizerSpec& spec);

}  // namespace alignsweep::data
