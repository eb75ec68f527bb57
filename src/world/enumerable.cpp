// SPDX-License-Identifier: Apache-2.0
#include "world/enumerable.hpp"

#include "core/error.hpp"
#include "core/math.hpp"

#include <algorithm>
#include <cmath>

namespace alignsweep::world {

ResponseTree::ResponseTree(std::int64_t tokens, std::int64_t length) : letters_(tokens - 1) {
    core::check(tokens >= 2 && length >= 1, "a tree of ", tokens, " tokens and length ", length);
    std::int64_t level = 1;
    for (std::int64_t t = 0; t < length; ++t) {
        inner_ = nodes_;
        level *= letters_;
        nodes_ += level;
    }
}

ResponseTree::Tokens ResponseTree::context(std::int64_t node) const {
    Tokens letters;
    for (; node > 0; node = parent(node)) { letters.push_back(letter(node)); }
    std::reverse(letters.begin(), letters.end());
    return letters;
}

ResponseTree::Tokens ResponseTree::response(std::int64_t node) const {
    Tokens tokens = context(node);
    if (ends(node)) { tokens.push_back(end); }
    return tokens;
}

std::vector<double> ResponseTree::reached(std::span<double const> next, std::int64_t nodes) const {
    core::check(static_cast<std::int64_t>(next.size()) == inner_ * tokens(), "next tokens of ", inner_, " contexts");
    std::vector<double> logprob(static_cast<std::size_t>(nodes), 0.0);
    for (std::int64_t node = 1; node < nodes; ++node) {
        std::int64_t const before = parent(node);
        logprob[static_cast<std::size_t>(node)] = logprob[static_cast<std::size_t>(before)] +
                                                  next[static_cast<std::size_t>(before * tokens() + letter(node))];
    }
    return logprob;
}

std::vector<double> ResponseTree::logprobs(std::span<double const> next) const {
    auto logprob = reached(next, nodes_);
    for (std::int64_t node = 0; node < inner_; ++node) {
        logprob[static_cast<std::size_t>(node)] += next[static_cast<std::size_t>(node * tokens() + end)];
    }
    return logprob;
}

namespace {

// Uniform, mean 0, variance 1.
double term(core::RandomStream const& stream, std::int64_t which, std::int64_t position, std::int64_t token) {
    double const u = stream.uniform(static_cast<std::uint32_t>(which), static_cast<std::uint32_t>(position),
                                    static_cast<std::uint32_t>(token));
    return (2.0 * u - 1.0) * std::sqrt(3.0);
}

}  // namespace

Enumerable::Enumerable(config::EnumerableConfig const& config, std::uint64_t seed_world)
    : config_(config),
      tree_(config.tokens, config.length),
      reward_token_(seed_world, "enumerable/reward/token"),
      reward_pair_(seed_world, "enumerable/reward/pair"),
      corpus_token_(seed_world, "enumerable/corpus/token"),
      corpus_pair_(seed_world, "enumerable/corpus/pair") {}

Enumerable::Tokens Enumerable::prompt(std::int64_t index) const {
    core::check(index >= 0 && index < config_.prompts, "prompt ", index, " of ", config_.prompts);
    // Words in order of length, then of the alphabet: the nodes of the same kind of tree, without end.
    Tokens word = tree_.context(index + 1);
    word.push_back(ResponseTree::end);
    return word;
}

std::int64_t Enumerable::document_length() const {
    return static_cast<std::int64_t>(prompt(config_.prompts - 1).size()) + config_.length;
}

double Enumerable::reward(std::int64_t prompt, Tokens const& response) const {
    core::check(!response.empty(), "a response without tokens");
    double sum = 0.0;
    std::int64_t before = ResponseTree::end;
    for (std::size_t t = 0; t < response.size(); ++t) {
        auto const position = static_cast<std::int64_t>(t);
        std::int64_t const token = response[t];
        sum += term(reward_token_, prompt, position, token);
        sum += term(reward_pair_, position, before, token);
        before = token;
    }
    return config_.reward_spread * sum / std::sqrt(2.0 * static_cast<double>(response.size()));
}

Enumerable::Tokens Enumerable::draw_response(std::int64_t prompt, core::Draws& draws) const {
    Tokens response;
    std::int64_t before = ResponseTree::end;
    for (std::int64_t t = 0; t < config_.length; ++t) {
        std::vector<double> cumulative;
        double sum = 0.0;
        for (std::int64_t token = 0; token < config_.tokens; ++token) {
            double const terms = term(corpus_token_, prompt, t, token) + term(corpus_pair_, t, before, token);
            sum += core::math::exp(config_.corpus_spread * terms / std::sqrt(2.0));
            cumulative.push_back(sum);
        }
        double const u = draws.uniform() * sum;
        before = std::upper_bound(cumulative.begin(), cumulative.end() - 1, u) - cumulative.begin();
        response.push_back(static_cast<std::int32_t>(before));
        if (before == ResponseTree::end) { break; }
    }
    return response;
}

Enumerable::Tokens Enumerable::document(core::Draws& draws) const {
    auto const which = static_cast<std::int64_t>(draws.index(static_cast<std::size_t>(config_.prompts)));
    Tokens tokens = prompt(which);
    Tokens const response = draw_response(which, draws);
    tokens.insert(tokens.end(), response.begin(), response.end());
    tokens.resize(static_cast<std::size_t>(document_length()), ResponseTree::end);
    return tokens;
}

}  // namespace alignsweep::world
