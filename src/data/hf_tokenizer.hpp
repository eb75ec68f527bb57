// SPDX-License-Identifier: Apache-2.0
// Byte-level BPE as a Hugging Face tokenizer.json describes it (GPT-2, Llama 3, Qwen 2 and their kin): ids are the
// file's own. What the file asks for beyond that is an error that names it, never left out.
#pragma once

#include "data/hf_split.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace alignsweep::data {

// What a tokenizer.json says, checked.
struct HfTokenizerSpec {
    std::string file;                                   // for errors
    std::unordered_map<std::string, std::int32_t> ids;  // bytes of a token -> its id, added tokens left out
    struct Merge {
        std::int32_t left, right, result;
    };
    std::vector<Merge> merges;     // the earlier, the stronger
    bool ignore_merges = false;    // a piece that is a token is taken whole
    std::vector<SplitKind> steps;  // of pre-tokenisation
    struct Added {
        std::string text;
        std::int32_t id;
    };
    std::vector<Added> added;                 // found in text before everything else, the longest first
    std::vector<std::int32_t> before, after;  // special tokens around every text
    std::int64_t vocabulary = 0;              // one more than the largest id
};

// Reads a file. Throws IoError: "FILE: what, what is allowed".
[[nodiscard]] HfTokenizerSpec read_hf_tokenizer(std::filesystem::path const& file);

// Not safe to share between threads: `encode` keeps a cache of pieces.
class HfTokenizer {
public:
    explicit HfTokenizer(HfTokenizerSpec spec);
    explicit HfTokenizer(std::filesystem::path const& file) : HfTokenizer(read_hf_tokenizer(file)) {}

    // The tokens of valid UTF-8, with the special tokens that the file puts around every text. Throws IoError for a
    // byte that the vocabulary has no token for.
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;

    [[nodiscard]] HfTokenizerSpec const& spec() const { return spec_; }
    // The id of an added or an ordinary token written in full; -1: none.
    [[nodiscard]] std::int32_t id_of(std::string_view token) const;

private:
    void encode_plain(std::string_view text, std::vector<std::int32_t>& tokens) const;
    [[nodiscard]] std::vector<std::int32_t> merge_piece(std::string const& piece) const;

    HfTokenizerSpec spec_;
    struct Result {
        std::size_t rank;
        std::int32_t id;
    };
    std::unordered_map<std::uint64_t, Result> merged_;  // pair_key(left, right)
    std::array<std::int32_t, 256> byte_ids_{};          // -1: none
    mutable std::unordered_map<std::string, std::vector<std::int32_t>> cache_;
};

}  // namespace alignsweep::data
