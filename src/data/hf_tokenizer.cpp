// SPDX-License-Identifier: Apache-2.0
#include "data/hf_tokenizer.hpp"

#include "core/error.hpp"
#include "data/tokenizer.hpp"

#include <algorithm>
#include <queue>

namespace alignsweep::data {
namespace {

// Pieces kept by encode; real text has far fewer distinct ones.
constexpr std::size_t cache_limit = std::size_t{1} << 18;

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
    for (std::size_t byte = 0; byte < 256; ++byte) {
        auto const found = spec_.ids.find(std::string(1, static_cast<char>(byte)));
        byte_ids_[byte] = found == spec_.ids.end() ? -1 : found->second;
    }
    // The longest first, so that the first that fits at a place is the longest that does.
    std::stable_sort(spec_.added.begin(), spec_.added.end(),
                     [](auto const& a, auto const& b) { return a.text.size() > b.text.size(); });
}

std::int32_t HfTokenizer::id_of(std::string_view token) const {
    for (auto const& added : spec_.added) {
        if (added.text == token) { return added.id; }
    }
    auto const found = spec_.ids.find(std::string(token));
    return found == spec_.ids.end() ? -1 : found->second;
}

std::vector<std::int32_t> HfTokenizer::merge_piece(std::string const& piece) const {
    if (spec_.ignore_merges) {
        if (auto const whole = spec_.ids.find(piece); whole != spec_.ids.end()) { return {whole->second}; }
    }
    std::vector<Symbol> symbols;
    for (std::size_t i = 0; i < piece.size(); ++i) {
        std::int32_t const id = byte_ids_[static_cast<unsigned char>(piece[i])];
        if (id < 0) {
            throw core::IoError(core::concat(spec_.file, ": the vocabulary has no token for the byte ",
                                             static_cast<int>(static_cast<unsigned char>(piece[i])),
                                             " of the text; one for each byte that occurs is needed"));
        }
        symbols.push_back({id, static_cast<std::ptrdiff_t>(i) - 1, static_cast<std::ptrdiff_t>(i) + 1});
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
            if (cache_.size() >= cache_limit) { cache_.clear(); }
            auto merged = merge_piece(piece);
            found = cache_.emplace(std::move(piece), std::move(merged)).first;
        }
        tokens.insert(tokens.end(), found->second.begin(), found->second.end());
    }
}

std::vector<std::int32_t> HfTokenizer::encode(std::string_view text) const {
    std::vector<std::int32_t> tokens = spec_.before;
    std::array<bool, 256> begins{};  // bytes that an added token begins with
    for (auto const& added : spec_.added) { begins[static_cast<unsigned char>(added.text[0])] = true; }
    std::size_t plain = 0;  // begin of the text that is in no added token
    for (std::size_t at = 0; at < text.size();) {
        auto const fits = [&](auto const& added) { return text.substr(at).starts_with(added.text); };
        auto const found = begins[static_cast<unsigned char>(text[at])]
                               ? std::find_if(spec_.added.begin(), spec_.added.end(), fits)
                               : spec_.added.end();
        if (found == spec_.added.end()) {
            ++at;
            continue;
        }
        encode_plain(text.substr(plain, at - plain), tokens);
        tokens.push_back(found->id);
        at += found->text.size();
        plain = at;
    }
    encode_plain(text.substr(plain), tokens);
    tokens.insert(tokens.end(), spec_.after.begin(), spec_.after.end());
    return tokens;
}

}  // namespace alignsweep::data
