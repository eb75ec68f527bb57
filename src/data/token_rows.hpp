// SPDX-License-Identifier: Apache-2.0
// Rows in JSON that are ready token ids, under the names that TRL gives its tokenised columns.
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

// True where the first row of the file (with BadRows::skip: the first object) has a key that ends in "_ids". Throws as
// read_token_rows.
[[nodiscard]] bool holds_token_ids(std::filesystem::path const& file, BadRows bad_rows = BadRows::error);

// Rows of ids from 0 to vocabulary - 1. Rows with an empty completion or two equal answers are dropped and counted, as
// those of texts are, and bad ones likewise throw IoError ("FILE:LINE: what, what is allowed") or are skipped; a row
// that has KL_completion_ids where those before have not, or the other way round, is bad. Throws IoError for a file
// without a usable row.
[[nodiscard]] Rows<TokenRow> read_token_rows(std::filesystem::path const& file, TokenRowKind kind,
                                             std::int64_t vocabulary, BadRows bad_rows = BadRows::error);

}  // namespace alignsweep::data
