// SPDX-License-Identifier: Apache-2.0
// Training of the byte-level BPE: unique pieces with their counts, pair counts kept up to date merge by merge, and a
// heap of (count, pair) whose outdated entries are skipped.
#include "core/error.hpp"
#include "data/pieces.hpp"
#include "data/tokenizer.hpp"

#include <queue>

namespace alignsweep::data {
namespace {

struct Piece {
    std::vector<std::int32_t> symbols;
    std::int64_t count;
};

struct PairState {
    std::int64_t count = 0;             // occurrences now
    std::int64_t queued = 0;            // the count last put on the heap
    std::vector<std::uint32_t> pieces;  // which hold it, or held it once
};

struct Candidate {
    std::int64_t count;
    std::uint64_t key;
    // The heap's top is the largest: higher counts first, then smaller ids.
    bool operator<(Candidate const& other) const {
        return count != other.count ? count < other.count : key > other.key;
    }
};

class Trainer {
public:
    explicit Trainer(std::span<std::string const> documents) {
        std::unordered_map<std::string_view, std::int64_t> counts;
        for (std::string const& document : documents) {
            for_each_piece(document, [&](std::string_view piece) { ++counts[piece]; });
        }
        // The map's order does not matter: counts are sums, and the choice among equal counts is by ids.
        for (auto const& [text, count] : counts) {
            if (text.size() < 2) { continue; }
            Piece piece{{}, count};
            for (char const byte : text) { piece.symbols.push_back(static_cast<unsigned char>(byte)); }
            pieces_.push_back(std::move(piece));
        }
        for (std::size_t i = 0; i < pieces_.size(); ++i) {
            auto const& symbols = pieces_[i].symbols;
            for (std::size_t at = 0; at + 1 < symbols.size(); ++at) {
                PairState& pair = pairs_[pair_key(symbols[at], symbols[at + 1])];
                pair.count += pieces_[i].count;
                list_piece(pair, i);
            }
        }
        for (auto& [key, pair] : pairs_) { queue(key, pair); }
    }

    // The next pair to merge; false where none occurs twice.
    bool next(std::array<std::int32_t, 2>& merge) {
        while (!heap_.empty()) {
            Candidate const top = heap_.top();
            heap_.pop();
            if (pairs_[top.key].count == top.count) {
                merge = {static_cast<std::int32_t>(top.key >> 32), static_cast<std::int32_t>(top.key & 0xFFFFFFFFU)};
                return true;
            }
        }
        return false;
    }

    // Replaces a pair by its token in every piece.
    void apply(std::array<std::int32_t, 2> merge, std::int32_t token) {
        auto const holders = std::move(pairs_[pair_key(merge[0], merge[1])].pieces);
        changed_.clear();
        for (std::uint32_t const index : holders) { rewrite(index, merge, token); }
        for (std::uint64_t const key : changed_) { queue(key, pairs_[key]); }
    }

private:
    static void list_piece(PairState& pair, std::size_t index) {
        auto const piece = static_cast<std::uint32_t>(index);
        if (pair.pieces.empty() || pair.pieces.back() != piece) { pair.pieces.push_back(piece); }
    }

    void queue(std::uint64_t key, PairState& pair) {
        if (pair.count == pair.queued) { return; }
        pair.queued = pair.count;
        if (pair.count >= 2) { heap_.push({pair.count, key}); }
    }

    void rewrite(std::size_t index, std::array<std::int32_t, 2> merge, std::int32_t token) {
        Piece& piece = pieces_[index];
        auto& symbols = piece.symbols;
        std::size_t out = 0;
        std::vector<std::int32_t>& merged = scratch_;
        merged.resize(symbols.size());
        for (std::size_t i = 0; i < symbols.size(); ++out) {
            bool const match = i + 1 < symbols.size() && symbols[i] == merge[0] && symbols[i + 1] == merge[1];
            merged[out] = match ? token : symbols[i];
            i += match ? 2 : 1;
        }
        if (out == symbols.size()) { return; }  // an earlier merge took the pair apart, or the piece is listed twice
        merged.resize(out);
        add(symbols, -piece.count);
        add(merged, piece.count);
        for (std::size_t at = 0; at + 1 < out; ++at) {
            // Pairs without the new token stood side by side before, so their lists hold this piece already.
            if (merged[at] == token || merged[at + 1] == token) {
                list_piece(pairs_[pair_key(merged[at], merged[at + 1])], index);
            }
        }
        symbols.swap(merged);
    }

    void add(std::vector<std::int32_t> const& symbols, std::int64_t count) {
        for (std::size_t at = 0; at + 1 < symbols.size(); ++at) {
            std::uint64_t const key = pair_key(symbols[at], symbols[at + 1]);
            pairs_[key].count += count;
            changed_.push_back(key);
        }
    }

    std::vector<Piece> pieces_;
    std::unordered_map<std::uint64_t, PairState> pairs_;
    std::priority_queue<Candidate> heap_;
    std::vector<std::uint64_t> changed_;
    std::vector<std::int32_t> scratch_;
};

}  // namespace

Tokenizer Tokenizer::train(std::span<std::string const> documents, std::int64_t vocabulary) {
    if (vocabulary < base_vocabulary) {
        throw core::ConfigError("tokenizer.vocabulary = ", vocabulary, ": at least ", base_vocabulary,
                                " (256 bytes and the end token)");
    }
    Trainer trainer(documents);
    std::vector<std::array<std::int32_t, 2>> merges;
    std::array<std::int32_t, 2> merge{};
    while (base_vocabulary + static_cast<std::int64_t>(merges.size()) < vocabulary && trainer.next(merge)) {
        trainer.apply(merge, base_vocabulary + static_cast<std::int32_t>(merges.size()));
        merges.push_back(merge);
    }
    return Tokenizer(std::move(merges));
}

}  // namespace alignsweep::data
