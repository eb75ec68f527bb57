// SPDX-License-Identifier: Apache-2.0
#include "data/bpe.hpp"

#include <cstddef>
#include <queue>
#include <tuple>

namespace alignsweep::data {
namespace {

// A symbol of a piece while it is being merged: a doubly linked list in one array.
struct Symbol {
    std::int32_t id;
    std::ptrdiff_t previous, next;
    bool gone = false;
};

}  // namespace

bool Bpe::add(std::int32_t left, std::int32_t right, std::int32_t result) {
    return merges_.insert_or_assign(pair_key(left, right), Merge{next_rank_++, result}).second;
}

std::vector<std::int32_t> Bpe::merged(std::vector<std::int32_t> const& piece) const {
    std::vector<Symbol> symbols;
    for (std::int32_t const id : piece) { symbols.push_back({id, std::ssize(symbols) - 1, std::ssize(symbols) + 1}); }
    if (!symbols.empty()) { symbols.back().next = -1; }

    // Merges that may happen: rank, place, result; the strongest first, then the leftmost.
    using Candidate = std::tuple<std::size_t, std::ptrdiff_t, std::int32_t>;
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
    auto const symbol = [&](std::ptrdiff_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
    auto const merge_at = [&](std::ptrdiff_t left) {
        auto const right = left < 0 ? -1 : symbol(left).next;
        return right < 0 ? merges_.end() : merges_.find(pair_key(symbol(left).id, symbol(right).id));
    };
    auto const push = [&](std::ptrdiff_t left) {
        auto const found = merge_at(left);
        if (found != merges_.end()) { queue.emplace(found->second.rank, left, found->second.result); }
    };
    for (std::ptrdiff_t i = 0; i < std::ssize(symbols); ++i) { push(i); }
    while (!queue.empty()) {
        auto const [rank, left, result] = queue.top();
        queue.pop();
        if (symbol(left).gone) { continue; }
        auto const found = merge_at(left);
        if (found == merges_.end() || found->second.result != result) { continue; }  // a neighbour has changed since
        auto const right = symbol(left).next;
        symbol(left).id = result;
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

}  // namespace alignsweep::data
