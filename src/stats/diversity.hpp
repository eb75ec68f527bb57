// SPDX-License-Identifier: Apache-2.0
// How much a model's answers differ, and whether they still depend on the prompt.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace alignsweep::stats {

class Diversity {
public:
    using Tokens = std::vector<std::int32_t>;

    // One answer to a prompt of this kind. Refusals are alike by right: they are counted, but never the commonest.
    void add(int kind, Tokens const& answer, bool refusal);

    // Different answers as a share of all.
    [[nodiscard]] double distinct() const;
    // Entropy of the answers' distribution, nats.
    [[nodiscard]] double entropy() const;
    // Share of the commonest answer among all.
    [[nodiscard]] double modal_share() const;
    // The same among the answers to one kind of prompt, where it is largest; kinds with fewer than 20 are left out.
    [[nodiscard]] double modal_share_of_kind() const;
    // Whether that is a quarter or more: to prompts of that kind the model says one thing, whatever they ask.
    [[nodiscard]] bool collapsed() const { return modal_share_of_kind() >= 0.25; }

private:
    std::map<Tokens, std::int64_t> all_, answers_;  // refusals included; without them
    std::map<int, std::map<Tokens, std::int64_t>> by_kind_;
    std::map<int, std::int64_t> asked_;
    std::int64_t count_ = 0;
};

}  // namespace alignsweep::stats
