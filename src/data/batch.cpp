// SPDX-License-Identifier: Apache-2.0
#include "data/batch.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <limits>

namespace alignsweep::data {
PackedBatch pack(std::span<Example const* const> examples, TargetKind kind) {
    PackedBatch batch;
    for (Example const* example : examples) {
        std::size_t const begin = batch.tokens.size();
        auto const length = static_cast<std::size_t>(example->tokens());
        core::check(length > 0, "sequence ", batch.sequences(), " of a batch has no tokens");
        core::check(begin + length <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()),
                    "a batch of 2^31 tokens or more");
        batch.tokens.insert(batch.tokens.end(), example->prompt.begin(), example->prompt.end());
        batch.tokens.insert(batch.tokens.end(), example->completion.begin(), example->completion.end());
        batch.offsets.push_back(static_cast<std::int32_t>(batch.tokens.size()));
        // A sequence's first token never is a target.
        std::size_t const first_target = kind == TargetKind::none ? length
                                         : kind == TargetKind::completion
                                             ? std::max<std::size_t>(example->prompt.size(), 1)
                                             : 1;
        for (std::size_t i = first_target; i < length; ++i) {
            batch.target_rows.push_back(static_cast<std::int32_t>(begin + i - 1));
            batch.target_tokens.push_back(batch.tokens[begin + i]);
        }
        batch.target_offsets.push_back(static_cast<std::int32_t>(batch.target_rows.size()));
    }
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
    std::vector<std::span<std::int32_t const>> result;
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
        throw core::ConfigError(where, where.empty() ? "" : ": ", "a row of ", example.tokens(), " tokens (prompt ",
                                example.prompt.size(), ", completion ", example.completion.size(),
                                ") does not fit model.context = ", context,
                                "; allowed: a larger context, or data.too_long = drop or truncate_left");
    }
    bool const prompt_remains = excess < static_cast<std::int64_t>(example.prompt.size());
    if (policy == TooLong::drop || !prompt_remains) { return std::nullopt; }
    example.prompt.erase(example.prompt.begin(), example.prompt.begin() + excess);
    return example;
}

}  // namespace alignsweep::data
