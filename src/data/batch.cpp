// SPDX-License-Identifier: Apache-2.0
#include "data/batch.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <limits>

namespace alignsweep::data {
namespace {

using Tokens = std::span<std::int32_t const>;

// Appends a sequence whose tokens from `first_target` on are targets (its first token never is).
void append(PackedBatch& batch, Tokens prompt, Tokens completion, std::size_t first_target) {
    std::size_t const begin = batch.tokens.size();
    std::size_t const length = prompt.size() + completion.size();
    core::check(length > 0, "sequence ", batch.sequences(), " of a batch has no tokens");
    core::check(begin + length <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()),
                "a batch of 2^31 tokens or more");
    batch.tokens.insert(batch.tokens.end(), prompt.begin(), prompt.end());
    batch.tokens.insert(batch.tokens.end(), completion.begin(), completion.end());
    batch.offsets.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    for (std::size_t i = std::max<std::size_t>(first_target, 1); i < length; ++i) {
        batch.target_rows.push_back(static_cast<std::int32_t>(begin + i - 1));
        batch.target_tokens.push_back(batch.tokens[begin + i]);
    }
    batch.target_offsets.push_back(static_cast<std::int32_t>(batch.target_rows.size()));
}

void append(PackedBatch& batch, Example const& example, TargetKind kind) {
    std::size_t const first_target = kind == TargetKind::full ? 1
                                     : kind == TargetKind::completion
                                         ? example.prompt.size()
                                         : example.prompt.size() + example.completion.size();
    append(batch, example.prompt, example.completion, first_target);
}

}  // namespace

PackedBatch pack(std::span<Example const* const> examples, TargetKind kind) {
    PackedBatch batch;
    for (Example const* example : examples) { append(batch, *example, kind); }
    return batch;
}

PackedBatch pack(std::span<Example const> examples, std::span<std::int64_t const> indices, TargetKind kind) {
    PackedBatch batch;
    for (std::int64_t const i : indices) {
        core::check(i >= 0 && i < static_cast<std::int64_t>(examples.size()), "example ", i, " of ", examples.size());
        append(batch, examples[static_cast<std::size_t>(i)], kind);
    }
    return batch;
}

PackedBatch pack_text(std::span<std::span<std::int32_t const> const> windows) {
    PackedBatch batch;
    for (Tokens const window : windows) { append(batch, {}, window, 1); }
    return batch;
}

Example make_example(Tokenizer const& tokenizer, std::string_view prompt, std::string_view completion) {
    Example example{tokenizer.encode(prompt), tokenizer.encode(completion)};
    example.completion.push_back(tokenizer.end());
    return example;
}

std::vector<std::int32_t> token_stream(Tokenizer const& tokenizer, std::span<std::string const> documents) {
    std::vector<std::int32_t> tokens;
    for (std::string const& document : documents) {
        tokenizer.encode_to(document, tokens);
        tokens.push_back(tokenizer.end());
    }
    return tokens;
}

std::vector<std::span<std::int32_t const>> windows(std::span<std::int32_t const> stream, std::int64_t length) {
    core::check(length >= 2, "windows of ", length, " tokens");
    std::vector<Tokens> result;
    auto const step = static_cast<std::size_t>(length);
    for (std::size_t at = 0; at + 1 < stream.size(); at += step) {
        result.push_back(stream.subspan(at, std::min(step, stream.size() - at)));
    }
    return result;
}

std::optional<Example> fit(Example example, std::int64_t context, TooLong policy, std::string_view where) {
    core::check(context >= 2, "a context of ", context, " tokens");
    std::int64_t const excess = example.tokens() - context;
    if (excess <= 0) { return example; }
    if (policy == TooLong::error) {
        throw core::ConfigError(core::concat(where, where.empty() ? "" : ": ", "a row of ", example.tokens(),
                                             " tokens (prompt ", example.prompt.size(), ", completion ",
                                             example.completion.size(), ") does not fit model.context = ", context,
                                             "; allowed: a larger context, or data.too_long = drop or truncate_left"));
    }
    bool const prompt_remains = excess < static_cast<std::int64_t>(example.prompt.size());
    if (policy == TooLong::drop || !prompt_remains) { return std::nullopt; }
    example.prompt.erase(example.prompt.begin(), example.prompt.begin() + excess);
    return example;
}

}  // namespace alignsweep::data
