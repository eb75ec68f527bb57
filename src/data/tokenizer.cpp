// SPDX-License-Identifier: Apache-2.0
#include "data/tokenizer.hpp"

#include "core/error.hpp"
#include "data/pieces.hpp"

namespace alignsweep::data {
namespace {

// A trained token is within one piece. Imported ones may be longer, but merges of merges double a token each time, so
// that 30 lines of a bad file could ask for a gigabyte.
constexpr std::size_t longest_token = 4096;

}  // namespace

Tokenizer::Tokenizer(std::vector<std::array<std::int32_t, 2>> merges) : merges_(std::move(merges)) {
    bytes_.reserve(static_cast<std::size_t>(base_vocabulary) + merges_.size());
    for (int byte = 0; byte < 256; ++byte) { bytes_.emplace_back(1, static_cast<char>(byte)); }
    bytes_.emplace_back();
    for (std::size_t i = 0; i < merges_.size(); ++i) {
        auto const [left, right] = merges_[i];
        auto const fail = [&, left = left, right = right](auto const&... what) {
            throw core::IoError("tokenizer: merge ", i, " of (", left, ", ", right, ") ", what...);
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
        if (!bpe_.add(left, right, token)) { fail("comes twice; each pair is allowed once"); }
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

void Tokenizer::encode_to(std::string_view text, std::vector<std::int32_t>& tokens) const {
    if (is_letters()) {
        for (char const letter : text) {
            auto const token = static_cast<std::int32_t>(letter - 'a') + 1;
            if (token < 1 || token >= vocabulary()) {
                throw core::ConfigError("'", letter, "' has no token; the letters from a to ", bytes_.back(), " have");
            }
            tokens.push_back(token);
        }
        return;
    }
    auto const tokens_of = [&](std::string_view piece) {
        std::vector<std::int32_t> bytes;
        for (char const byte : piece) { bytes.push_back(static_cast<unsigned char>(byte)); }
        return bpe_.merged(bytes);
    };
    for_each_piece(text, [&](std::string_view piece) { bpe_.append(piece, tokens_of, tokens); });
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
