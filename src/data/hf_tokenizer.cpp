// SPDX-License-Identifier: Apache-2.0
#include "data/hf_tokenizer.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "data/unicode.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace alignsweep::data {

HfTokenizer::HfTokenizer(HfTokenizerSpec spec) : spec_(std::move(spec)) {
    for (auto const& merge : spec_.merges) { bpe_.add(merge.left, merge.right, merge.result); }
}

std::int32_t HfTokenizer::token(std::string const& text) const {
    auto const found = spec_.ids.find(text);
    return found == spec_.ids.end() ? -1 : found->second;
}

std::int32_t HfTokenizer::id_of(std::string const& text) const {
    std::int32_t const added = spec_.added.id_of(text);
    return added >= 0 ? added : token(text);
}

// What the characters of a piece are before any merge.
// Source: huggingface/tokenizers, models/bpe/model.rs, merge_word.
std::vector<std::int32_t> HfTokenizer::characters(std::string_view piece) const {
    std::vector<std::int32_t> ids;
    std::int32_t unknown = -1;  // an unk_token that is still to be written
    auto const write_unknown = [&] {
        if (unknown >= 0) { ids.push_back(unknown); }
        unknown = -1;
    };
    auto const bytes_of = [&](std::string const& character) {
        std::vector<std::int32_t> bytes;
        for (char const c : character) {
            bytes.push_back(token(fmt::format("<0x{:02X}>", static_cast<unsigned char>(c))));
        }
        return std::find(bytes.begin(), bytes.end(), -1) == bytes.end() ? bytes : std::vector<std::int32_t>();
    };
    for (std::size_t at = 0; at < piece.size();) {
        std::string const character(piece.substr(at, code_point(piece, at).bytes));
        at += character.size();
        if (std::int32_t const id = token(character); id >= 0) {
            write_unknown();
            ids.push_back(id);
            continue;
        }
        if (spec_.byte_fallback) {
            // The library writes bytes before an unk_token that waits.
            if (auto const bytes = bytes_of(character); !bytes.empty()) {
                ids.insert(ids.end(), bytes.begin(), bytes.end());
                continue;
            }
        }
        if (!spec_.fuse_unk) { write_unknown(); }
        unknown = spec_.unk_token.empty() ? -1 : token(spec_.unk_token);
        if (unknown < 0) {
            throw core::IoError(
                spec_.file, ": the vocabulary has no token for the character \"", core::excerpt(character),
                spec_.unk_token.empty() ? "\", and there is no unk_token"
                                        : "\" nor for the unk_token \"" + core::excerpt(spec_.unk_token) + '"',
                "; a token for each that occurs is needed");
        }
    }
    write_unknown();
    return ids;
}

std::vector<std::int32_t> HfTokenizer::merge_piece(std::string_view piece) const {
    if (spec_.ignore_merges) {
        if (std::int32_t const whole = token(std::string(piece)); whole >= 0) { return {whole}; }
    }
    return bpe_.merged(characters(piece));
}

std::vector<std::int32_t> HfTokenizer::encode(std::string_view text) const {
    std::vector<std::int32_t> tokens = spec_.before;
    for (auto const& part : spec_.added.parts(text, spec_.normalizer, spec_.split_special)) {
        if (part.id >= 0) {
            tokens.push_back(part.id);
        } else {
            for (std::string const& piece : split_pieces(spec_.steps, part.text)) {
                bpe_.append(
                    piece, [&](std::string_view text) { return merge_piece(text); }, tokens);
            }
        }
    }
    tokens.insert(tokens.end(), spec_.after.begin(), spec_.after.end());
    return tokens;
}

}  // namespace alignsweep::data
