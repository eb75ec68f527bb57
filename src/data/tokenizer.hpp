// SPDX-License-Identifier: Apache-2.0
// Byte-level byte-pair encoding: every byte string has an encoding, and decoding gives back exactly its bytes.
// Source: Sennrich et al., "Neural machine translation of rare words with subword units", ACL 2016; byte-level as in
// GPT-2 (Radford et al. 2019). Ids: 0..255 the bytes, 256 the end token, 257.. the merges in order of training.
#pragma once

#include "data/bpe.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::data {

// Ends a document or a completion of text. Never a result of `encode`: no text, "<|endoftext|>" included, stands for
// it.
inline constexpr std::int32_t end_token = 256;
// Tokens before the first merge.
inline constexpr std::int32_t base_vocabulary = 257;

// The end token of a vocabulary of this size: text has at least base_vocabulary tokens, the enumerable world fewer, and
// there the end token comes first.
[[nodiscard]] constexpr std::int32_t end_token_of(std::int64_t vocabulary) {
    return vocabulary < base_vocabulary ? 0 : end_token;
}

// Not safe to share between threads: `encode` keeps a cache of pieces. Copies are independent.
class Tokenizer {
public:
    // Bytes and the end token alone.
    Tokenizer() : Tokenizer(std::vector<std::array<std::int32_t, 2>>{}) {}

    // From the merges of a trained tokenizer: merge i makes the token 257 + i of two tokens with smaller ids.
    // Throws IoError where an id is negative, the end token or not yet defined, a pair comes twice, or a token would
    // grow beyond 4096 bytes.
    explicit Tokenizer(std::vector<std::array<std::int32_t, 2>> merges);

    // Without merges: the end token is 0, and token i is the i-th letter from "a". For the enumerable world.
    // 2 <= vocabulary <= 27; anything else is a bug (std::logic_error).
    [[nodiscard]] static Tokenizer letters(std::int64_t vocabulary);

    // Learns merges up to `vocabulary` tokens (fewer where no pair occurs twice any more). The most frequent pair comes
    // first, ties go to the smaller (left, right) ids, so the result depends on the documents as a multiset alone.
    // Pairs are counted at every position ("aaa" holds two), within the pieces of data/pieces.hpp and never across
    // documents. Throws ConfigError for a vocabulary below 257.
    [[nodiscard]] static Tokenizer train(std::span<std::string const> documents, std::int64_t vocabulary);

    // The tokens of any bytes, without an end token. Of `letters`, only its letters have tokens: others throw
    // ConfigError.
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;
    // Appends the tokens of `text` to `tokens`.
    void encode_to(std::string_view text, std::vector<std::int32_t>& tokens) const;
    // The bytes of tokens; the end token stands for none. Ids beyond the vocabulary are a bug (std::logic_error).
    [[nodiscard]] std::string decode(std::span<std::int32_t const> tokens) const;

    [[nodiscard]] std::vector<std::array<std::int32_t, 2>> const& merges() const { return merges_; }
    // Number of tokens: 257 + merges, or as many as `letters` was asked for.
    [[nodiscard]] std::int64_t vocabulary() const { return static_cast<std::int64_t>(bytes_.size()); }
    [[nodiscard]] std::int32_t end() const { return end_token_of(vocabulary()); }
    [[nodiscard]] bool is_letters() const { return vocabulary() < base_vocabulary; }

private:
    std::vector<std::array<std::int32_t, 2>> merges_;
    std::vector<std::string> bytes_;  // of each token
    Bpe bpe_;
};

}  // namespace alignsweep::data
