// SPDX-License-Identifier: Apache-2.0
#include "data/hf_tokenizer.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "data/tokenizer.hpp"
#include "data/unicode.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <queue>

namespace alignsweep::data {
namespace {

// Pieces kept by encode; real text has far fewer distinct ones.
constexpr std::size_t cache_limit = std::size_t{1} << 18;
// Bytes of a piece that is kept: without pre-tokenisation a piece is a whole text, which rarely comes again.
constexpr std::size_t longest_cached = 256;

// A symbol of a piece while it is being merged: a doubly linked list in one array.
struct Symbol {
    std::int32_t id;
    std::ptrdiff_t previous, next;
    bool gone = false;
};

// A merge that may happen at a place: the strongest first, then the leftmost.
struct Candidate {
    std::size_t rank, place;
    std::int32_t id;
    bool operator>(Candidate const& other) const {
        return rank != other.rank ? rank > other.rank : place > other.place;
    }
};

}  // namespace

HfTokenizer::HfTokenizer(HfTokenizerSpec spec) : spec_(std::move(spec)) {
    for (std::size_t i = 0; i < spec_.merges.size(); ++i) {
        auto const& merge = spec_.merges[i];
        merged_[pair_key(merge.left, merge.right)] = {i, merge.result};
    }
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
std::vector<std::int32_t> HfTokenizer::characters(std::string const& piece) const {
    std::vector<std::int32_t> ids;
    std::int32_t unknown = -1;  // an unk_token that is still to be written
    auto const write_unknown = [&] {
        if (unknown >= 0) { ids.push_back(unknown); }
        unknown = -1;
    };
    auto const bytes_of = [&](std::string const& character) {
        std::vector<std::int32_t> bytes;
        for (char const c : character) {
            std::array<char, 8> name{};
            std::snprintf(name.data(), name.size(), "<0x%02X>", static_cast<unsigned>(static_cast<unsigned char>(c)));
            bytes.push_back(token(name.data()));
        }
        return std::find(bytes.begin(), bytes.end(), -1) == bytes.end() ? bytes : std::vector<std::int32_t>();
    };
    for (std::size_t at = 0; at < piece.size();) {
        std::string const character = piece.substr(at, code_point(piece, at).bytes);
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
            throw core::IoError(core::concat(
                spec_.file, ": the vocabulary has no token for the character \"", core::excerpt(character),
                spec_.unk_token.empty() ? "\", and there is no unk_token"
                                        : "\" nor for the unk_token \"" + core::excerpt(spec_.unk_token) + '"',
                "; a token for each that occurs is needed"));
        }
    }
    write_unknown();
    return ids;
}

std::vector<std::int32_t> HfTokenizer::merge_piece(std::string const& piece) const {
    if (spec_.ignore_merges) {
        if (std::int32_t const whole = token(piece); whole >= 0) { return {whole}; }
    }
    std::vector<Symbol> symbols;
    for (std::int32_t const id : characters(piece)) {
        symbols.push_back({id, std::ssize(symbols) - 1, std::ssize(symbols) + 1});
    }
    if (!symbols.empty()) { symbols.back().next = -1; }

    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
    auto const symbol = [&](std::ptrdiff_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
    auto const result_at = [&](std::ptrdiff_t left) {
        auto const right = symbol(left).next;
        return right < 0 ? merged_.end() : merged_.find(pair_key(symbol(left).id, symbol(right).id));
    };
    auto const push = [&](std::ptrdiff_t left) {
        auto const found = left < 0 ? merged_.end() : result_at(left);
        if (found == merged_.end()) { return; }
        queue.push({found->second.rank, static_cast<std::size_t>(left), found->second.id});
    };
    for (std::ptrdiff_t i = 0; i < std::ssize(symbols); ++i) { push(i); }
    while (!queue.empty()) {
        Candidate const best = queue.top();
        queue.pop();
        auto const left = static_cast<std::ptrdiff_t>(best.place);
        if (symbol(left).gone) { continue; }
        auto const found = result_at(left);
        if (found == merged_.end() || found->second.id != best.id) { continue; }  // a neighbour has changed since
        auto const right = symbol(left).next;
        symbol(left).id = best.id;
        symbol(left).next = symbol(right).next;
        symbol(right).gone = true;
        if (symbol(left).next >= 0) { symbol(symbol(left).next).previous = left; }
        push(symbol(left).previous);
        push(left);
    }
    std::vector<std::int32_t> tokens;
    for (Symbol const& s : symbols) {
        if (!s.gone) { tokens.push_back(s.id); }
    }
    return tokens;
}

void HfTokenizer::encode_plain(std::string_view text, std::vector<std::int32_t>& tokens) const {
    for (std::string& piece : split_pieces(spec_.steps, text)) {
        auto found = cache_.find(piece);
        if (found == cache_.end()) {
            auto merged = merge_piece(piece);
            if (piece.size() > longest_cached) {
                tokens.insert(tokens.end(), merged.begin(), merged.end());
                continue;
            }
            if (cache_.size() >= cache_limit) { cache_.clear(); }
            found = cache_.emplace(std::move(piece), std::move(merged)).first;
        }
        tokens.insert(tokens.end(), found->second.begin(), found->second.end());
    }
}

std::vector<std::int32_t> HfTokenizer::encode(std::string_view text) const {
    std::vector<std::int32_t> tokens = spec_.before;
    for (auto const& part : spec_.added.parts(text, spec_.normalizer, spec_.split_special)) {
        if (part.id >= 0) {
            tokens.push_back(part.id);
        } else {
            encode_plain(part.text, tokens);
        }
    }
    tokens.insert(tokens.end(), spec_.after.begin(), spec_.after.end());
    return tokens;
}

}  // namespace alignsweep::data
