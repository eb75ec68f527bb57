// SPDX-License-Identifier: Apache-2.0
// The enumerable world: so few prompts, tokens and lengths that every response can be listed. Its gold reward, its
// corpus and thus the optimum of the KL-regularised objective are known exactly.
//
// Tokens: 0 ends, 1 .. tokens - 1 are letters; the vocabulary has no others, so the probabilities of the responses
// listed add up to 1. Prompt i is the i-th word (a, b, .., aa, ab, ..) and an end token, so that no prompt is another's
// beginning. A response is at most `length` tokens: it ends with the end token, or is cut off there without it.
#pragma once

#include "config/schema.hpp"
#include "core/random.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace alignsweep::world {

// All responses as the nodes of a tree, breadth first: the root is the empty beginning, the children of a node append
// one letter, and the leaves have `length` letters. An inner node stands for itself and the end token, a leaf for
// itself, cut off. The inner nodes come first: they are also the contexts in which a next token is chosen.
class ResponseTree {
public:
    using Tokens = std::vector<std::int32_t>;
    static constexpr std::int32_t end = 0;

    // tokens >= 2 (the end token among them), length >= 1.
    ResponseTree(std::int64_t tokens, std::int64_t length);

    [[nodiscard]] std::int64_t tokens() const { return letters_ + 1; }
    [[nodiscard]] std::int64_t responses() const { return nodes_; }
    [[nodiscard]] std::int64_t contexts() const { return inner_; }
    // Of a node other than the root: the context it follows and the letter that leads to it.
    [[nodiscard]] std::int64_t parent(std::int64_t node) const { return (node - 1) / letters_; }
    [[nodiscard]] std::int32_t letter(std::int64_t node) const {
        return static_cast<std::int32_t>((node - 1) % letters_) + 1;
    }
    // The node that a letter leads to from a context.
    [[nodiscard]] std::int64_t child(std::int64_t context, std::int32_t letter) const {
        return context * letters_ + letter;
    }
    [[nodiscard]] bool ends(std::int64_t node) const { return node < inner_; }
    // The letters of a node; the response that it stands for.
    [[nodiscard]] Tokens context(std::int64_t node) const;
    [[nodiscard]] Tokens response(std::int64_t node) const;

    // From next[context * tokens() + token], the log-probability of each next token: that of every response, and that
    // a response passes through each context.
    [[nodiscard]] std::vector<double> logprobs(std::span<double const> next) const;
    [[nodiscard]] std::vector<double> context_logprobs(std::span<double const> next) const {
        return reached(next, inner_);
    }

private:
    // Of the letters that lead to each of the first `nodes` nodes.
    [[nodiscard]] std::vector<double> reached(std::span<double const> next, std::int64_t nodes) const;

    std::int64_t letters_, nodes_ = 1, inner_ = 0;
};

class Enumerable {
public:
    using Tokens = ResponseTree::Tokens;

    // Reward and corpus are drawn from seed_world (streams "enumerable/...").
    Enumerable(config::EnumerableConfig const& config, std::uint64_t seed_world);

    [[nodiscard]] std::int64_t prompts() const { return config_.prompts; }
    [[nodiscard]] Tokens prompt(std::int64_t index) const;
    [[nodiscard]] ResponseTree const& responses() const { return tree_; }
    // Tokens of every document: the longest prompt and the longest response.
    [[nodiscard]] std::int64_t document_length() const;

    // Gold reward. With |y| tokens: reward_spread / sqrt(2 |y|) times the sum over positions t of a(x, t, y_t) and
    // b(t, y_t-1, y_t): what a token is worth here, and after its neighbour. All terms are drawn once, uniform with
    // mean 0 and variance 1; so over all worlds every response's reward has mean 0 and standard deviation
    // reward_spread, and none is beyond reward_spread sqrt(6 |y|).
    [[nodiscard]] double reward(std::int64_t prompt, Tokens const& response) const;

    // A response of the corpus: each next token from a softmax over corpus_spread / sqrt(2) times two such terms of
    // its own, so that neighbouring contexts are alike.
    [[nodiscard]] Tokens draw_response(std::int64_t prompt, core::Draws& draws) const;
    // A prompt drawn evenly, its response, and end tokens up to the common length: a window of that length is a
    // document.
    [[nodiscard]] Tokens document(core::Draws& draws) const;

private:
    config::EnumerableConfig config_;
    ResponseTree tree_;
    core::RandomStream reward_token_, reward_pair_, corpus_token_, corpus_pair_;
};

}  // namespace alignsweep::world
