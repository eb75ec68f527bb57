// SPDX-License-Identifier: Apache-2.0
// Merges of byte-pair encoding, applied to one piece of text at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace alignsweep::data {

// One 64-bit key for a pair; keys compare as the pairs (left, right) do. Ids are not negative.
[[nodiscard]] constexpr std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint64_t>(right);
}

// Not safe to share between threads: `append` keeps a cache of pieces.
class Bpe {
public:
    // The next merge: the earlier, the stronger. Of a pair that comes twice the later one counts; false then.
    bool add(std::int32_t left, std::int32_t right, std::int32_t result);

    // Merges the symbols of a piece: the strongest merge first, at its leftmost place, until none is left.
    [[nodiscard]] std::vector<std::int32_t> merged(std::vector<std::int32_t> const& piece) const;

    // Appends the tokens of a piece, which are tokens_of(piece) when it is first seen.
    template <class TokensOf>
    void append(std::string_view piece, TokensOf const& tokens_of, std::vector<std::int32_t>& tokens) const {
        auto found = cache_.find(piece);
        if (found == cache_.end()) {
            auto made = tokens_of(piece);
            if (piece.size() > longest_cached) {
                tokens.insert(tokens.end(), made.begin(), made.end());
                return;
            }
            if (cache_.size() >= cache_limit) { cache_.clear(); }
            found = cache_.emplace(std::string(piece), std::move(made)).first;
        }
        tokens.insert(tokens.end(), found->second.begin(), found->second.end());
    }

private:
    // Pieces kept; real text has far fewer distinct ones.
    static constexpr std::size_t cache_limit = std::size_t{1} << 18;
    // Bytes of a piece that is kept: without pre-tokenisation a piece is a whole text, which rarely comes again.
    static constexpr std::size_t longest_cached = 256;

    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    struct Merge {
        std::size_t rank;
        std::int32_t result;
    };

    std::unordered_map<std::uint64_t, Merge> merges_;  // by pair_key(left, right)
    std::size_t next_rank_ = 0;
    mutable std::unordered_map<std::string, std::vector<std::int32_t>, TextHash, std::equal_to<>> cache_;
};

}  // namespace alignsweep::data
