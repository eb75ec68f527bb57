// SPDX-License-Identifier: Apache-2.0
// JSONL whose rows are ready token ids, under the names that TRL gives its tokenised columns.
#pragma once

#include "data/jsonl.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace alignsweep::data {

using TokenIds = std::vector<std::int32_t>;

// A row of ids, as they are in the file; what a row of that kind does not have is empty.
struct TokenRow {
    TokenIds prompt;            // "prompt_ids"; may be left out
    TokenIds chosen, rejected;  // "chosen_ids", "rejected_ids"
    TokenIds completion;        // "completion_ids"
    TokenIds mismatched;        // "KL_completion_ids": another prompt's completion, for KTO's z0; may be left out
    bool label = false;         // "label"
};

enum class TokenRowKind { pairs, thumbs, completions };

// True where the first row of the file has a key that ends in "_ids". Throws as read_token_rows.
[[nodiscard]] bool holds_token_ids(std::filesystem::path const& file);

// Rows of ids from 0 to vocabulary - 1. Rows with an empty completion or two equal answers are dropped and counted, as
// those of texts are. Throws IoError, "FILE:LINE: what, what is allowed"; so for a file without a usable row, and for
// one where some rows have KL_completion_ids and others have not.
[[nodiscard]] Rows<TokenRow> read_token_rows(std::filesystem::path const& file, TokenRowKind kind,
                                             std::int64_t vocabulary);

}  // namespace alignsweep::data
