// SPDX-License-Identifier: Apache-2.0
#include "data/tokenizer.hpp"

#include "core/error.hpp"
#include "data/pieces.hpp"

#include <limits>

namespace alignsweep::data {
namespace {

// A trained token is within one piece. Imported ones may be longer, but merges of merges double a token each time, so
// that 30 lines of a bad file could ask for a gigabyte.
constexpr std::size_t longest_token = 4096;
// Pieces kept by encode; real text has far fewer distinct ones.
constexpr std::size_t cache_limit = std::size_t{1} << 18;

}  // namespace

Tokenizer::Tokenizer(std::vector<std::array<std::int32_t, 2>> merges) : merges_(std::move(merges)) {
    bytes_.reserve(static_cast<std::size_t>(base_vocabulary) + merges_.size());
    for (int byte = 0; byte < 256; ++byte) { bytes_.emplace_back(1, static_cast<char>(byte)); }
    bytes_.emplace_back();
    for (std::size_t i = 0; i < merges_.size(); ++i) {
        auto const [left, right] = merges_[i];
        auto const fail = [&, left = left, right = right](auto const&... what) {
            throw core::IoError(core::concat("tokenizer: merge ", i, " of (", left, ", ", right, ") ", what...));
        };
        auto const token = static_cast<std::int32_t>(bytes_.size());
        for (std::int32_t const id : {left, right}) {
            if (id < 0 || id >= token || id == end_token) {
                fail("needs two earlier tokens: ids 0 to ", token - 1, " except ", end_token, " (the end token)");
            }
        }
        std::string joined = bytes_[static_cast<std::size_t>(left)] + bytes_[static_cast<std::size_t>(right)];
        if (joined.size() > longest_token) {
            fail("makes a token of ", joined.size(), " bytes; at most ", longest_token, " are allowed");
        }
        if (!merged_.emplace(pair_key(left, right), token).second) { fail("comes twice; each pair is allowed once"); }
        bytes_.push_back(std::move(joined));
    }
}

Tokenizer Tokenizer::letters(std::int64_t vocabulary) {
    core::check(vocabulary >= 2 && vocabulary <= 27, "an alphabet of ", vocabulary, " tokens");
    Tokenizer tokenizer;
    tokenizer.bytes_.assign(1, {});
    for (std::int64_t i = 1; i < vocabulary; ++i) {
        tokenizer.bytes_.emplace_back(1, static_cast<char>('a' + static_cast<char>(i - 1)));
    }
    return tokenizer;
}

std::vector<std::int32_t> Tokenizer::merge_piece(std::string_view piece) const {
    std::vector<std::int32_t> symbols;
    symbols.reserve(piece.size());
    for (char const byte : piece) { symbols.push_back(static_cast<unsigned char>(byte)); }
    while (symbols.size() > 1) {
        // The earliest merge that applies, at every place from the left: the order of training.
        std::int32_t best = std::numeric_limits<std::int32_t>::max();
        for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
            auto const found = merged_.find(pair_key(symbols[i], symbols[i + 1]));
            if (found != merged_.end() && found->second < best) { best = found->second; }
        }
        if (best == std::numeric_limits<std::int32_t>::max()) { break; }
        auto const [left, right] = merges_[static_cast<std::size_t>(best - base_vocabulary)];
        std::size_t out = 0;
        for (std::size_t i = 0; i < symbols.size(); ++out) {
            bool const match = i + 1 < symbols.size() && symbols[i] == left && symbols[i + 1] == right;
            symbols[out] = match ? best : symbols[i];
            i += match ? 2 : 1;
        }
        symbols.resize(out);
    }
    return symbols;
}

void Tokenizer::encode_to(std::string_view text, std::vector<std::int32_t>& tokens) const {
    if (is_letters()) {
        for (char const letter : text) {
            auto const token = static_cast<std::int32_t>(letter - 'a') + 1;
            if (token < 1 || token >= vocabulary()) {
                throw core::ConfigError(
                    core::concat("'", letter, "' has no token; the letters from a to ", bytes_.back(), " have"));
            }
            tokens.push_back(token);
        }
        return;
    }
    for_each_piece(text, [&](std::string_view piece) {
        auto found = cache_.find(piece);
        if (found == cache_.end()) {
            if (cache_.size() >= cache_limit) { cache_.clear(); }
            found = cache_.emplace(std::string(piece), merge_piece(piece)).first;
        }
        tokens.insert(tokens.end(), found->second.begin(), found->second.end());
    });
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
    std::vector<std::int32_t> tokens;
    encode_to(text, tokens);
    return tokens;
}

std::string Tokenizer::decode(std::span<std::int32_t const> tokens) const {
    std::string text;
    for (std::int32_t const token : tokens) {
        core::check(token >= 0 && token < vocabulary(), "token ", token, " of a vocabulary of ", vocabulary());
        text += bytes_[static_cast<std::size_t>(token)];
    }
    return text;
}

}  // namespace alignsweep::data
