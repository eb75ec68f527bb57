// SPDX-License-Identifier: Apache-2.0
// BPE as a Hugging Face tokenizer.json describes it (GPT-2, Llama, Qwen 2 and their kin), done as the tokenizers
// library does it. What the file asks for beyond that is an error that names it, never left out.
#pragma once

#include "data/bpe.hpp"
#include "data/hf_added.hpp"
#include "data/hf_normalizer.hpp"
#include "data/hf_split.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::data {

// What a tokenizer.json says, checked.
struct HfTokenizerSpec {
    std::string file;      // for errors
    AddedTokens::Ids ids;  // a token as the file writes it -> its id, added tokens left out
    struct Merge {
        std::int32_t left, right, result;
    };
    std::vector<Merge> merges;   // the earlier, the stronger
    bool ignore_merges = false;  // a piece that is a token is taken whole
    bool byte_fallback = false;  // a character without a token is its bytes <0xNN>, where all of these are tokens
    bool fuse_unk = false;       // unknown characters side by side are one unk_token
    std::string unk_token;       // for any other character without a token; empty: an error
    Normalizer normalizer;
    std::vector<SplitKind> steps;  // of pre-tokenisation
    AddedTokens added;
    std::vector<std::pair<std::int64_t, AddedToken>> added_in_file;  // with the ids that the file says
    bool split_special = false;                                      // special tokens in a text are text
    std::vector<std::int32_t> before, after;                         // special tokens around every text
};

// Reads a file. Throws IoError: "FILE: what, what is allowed".
[[nodiscard]] HfTokenizerSpec read_hf_tokenizer(std::filesystem::path const& file);

// Not safe to share between threads: `encode` keeps a cache of pieces.
class HfTokenizer {
public:
    explicit HfTokenizer(HfTokenizerSpec spec);
    explicit HfTokenizer(std::filesystem::path const& file) : HfTokenizer(read_hf_tokenizer(file)) {}

    // The tokens of valid UTF-8, with the special tokens that the file puts around every text. Throws IoError for a
    // character without a token, which the library would leave out, where no unk_token is named.
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;

    [[nodiscard]] HfTokenizerSpec const& spec() const { return spec_; }
    // The id of an added or an ordinary token written in full; -1: none.
    [[nodiscard]] std::int32_t id_of(std::string const& text) const;

private:
    [[nodiscard]] std::vector<std::int32_t> characters(std::string_view piece) const;
    [[nodiscard]] std::vector<std::int32_t> merge_piece(std::string_view piece) const;
    [[nodiscard]] std::int32_t token(std::string const& text) const;  // of the model's vocabulary; -1: none

    HfTokenizerSpec spec_;
    Bpe bpe_;
};

}  // namespace alignsweep::data
