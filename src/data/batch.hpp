// SPDX-License-Identifier: Apache-2.0
// Packed batches: the tokens of the sequences one after the other, without padding, so no mask can leak and no length
// is inferred from values.
#pragma once

#include "config/schema.hpp"
#include "data/tokenizer.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::data {

// One prompt and one completion. The completion holds the end token where the answer ended.
struct Example {
    std::vector<std::int32_t> prompt, completion;

    [[nodiscard]] std::int64_t tokens() const { return static_cast<std::int64_t>(prompt.size() + completion.size()); }
    bool operator==(Example const&) const = default;
};

// n sequences. The row of a token is its index in `tokens`; the model's output in row r predicts token r + 1 of the
// same sequence.
//   tokens    p p p c c e | p c c c c e | ...      all of prompt and completion
//   offsets   0           6             12         n + 1: sequence s is tokens[offsets[s] .. offsets[s + 1])
//   targets       2 3 4       7 8 ...              the rows before c c e (completion) or before all but the first
//   (full)
struct PackedBatch {
    std::vector<std::int32_t> tokens;
    std::vector<std::int32_t> offsets{0};
    std::vector<std::int32_t> target_rows;        // rows whose next token is a target, ascending
    std::vector<std::int32_t> target_tokens;      // those next tokens; as many as target_rows
    std::vector<std::int32_t> target_offsets{0};  // n + 1: the targets of sequence s are target_offsets[s] ..

    [[nodiscard]] std::int64_t sequences() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
    [[nodiscard]] std::int64_t targets() const { return static_cast<std::int64_t>(target_rows.size()); }
};

enum class TargetKind { completion, full, none };

// Packs examples in the order given. Targets are the tokens of the completion, or every token but the sequence's first,
// or none (a reward model reads no log-probability).
// Without a prompt nothing predicts the completion's first token, so it is not a target either. An example without
// tokens and a batch of 2^31 tokens or more are bugs (std::logic_error).
[[nodiscard]] PackedBatch pack(std::span<Example const* const> examples, TargetKind kind);

// Tokens of prompt and completion, with one end token after the completion.
[[nodiscard]] Example make_example(Tokenizer const& tokenizer, std::string_view prompt, std::string_view completion);
// The tokens of all documents in order, each followed by the end token.
[[nodiscard]] std::vector<std::int32_t> token_stream(Tokenizer const& tokenizer,
                                                     std::span<std::string const> documents);
// A stream cut into windows of `length` tokens (>= 2), which refer to `stream`. The last may be shorter; a single token
// left over is dropped, since it predicts nothing.
[[nodiscard]] std::vector<std::span<std::int32_t const>> windows(std::span<std::int32_t const> stream,
                                                                 std::int64_t length);

// What happens to an example of more tokens than the model's context (data.too_long).
using config::TooLong;

// The example, if it has at most `context` tokens (exactly `context` fits). Else: `drop` gives nothing;
// `truncate_left` takes away the prompt's leftmost tokens, and gives nothing where the completion has more than
// context - 1 tokens (one token of the prompt must stay to predict its first); `error` throws ConfigError, which begins
// with `where` ("FILE:LINE", say) if given.
[[nodiscard]] std::optional<Example> fit(Example example, std::int64_t context, TooLong policy,
                                         std::string_view where = {});

}  // namespace alignsweep::data
