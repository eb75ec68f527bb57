// SPDX-License-Identifier: Apache-2.0
// Who judges responses: the simulated people, and a constitution.
#pragma once

#include "config/schema.hpp"
#include "core/random.hpp"
#include "world/gold.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace alignsweep::world {

// The keys of [feedback] that say what these people are like.
struct AnnotatorConfig {
    config::Int annotators = 8;
    double weight_spread = 0.3, choice_temperature = 0.3, flip = 0.05, position_bias = 0.1;

    void fields(config::FieldVisitor& visit) {
        visit("annotators", annotators, {1, 1e6}, "people who label");
        visit("weight_spread", weight_spread, config::non_negative, "log-normal spread of their value weights");
        visit("choice_temperature", choice_temperature, config::non_negative, "temperature of Bradley-Terry choices");
        visit("flip", flip, config::probability, "share of labels flipped by mistake");
        visit("position_bias", position_bias, config::any, "reward added to the answer shown first");
    }
};

// The simulated people who label responses, each with weights of their own for the values. They give pairs (Bradley and
// Terry, "Rank analysis of incomplete block designs", Biometrika 1952), thumbs, or ratings.
//
// Annotator a weighs value i by w_i exp(weight_spread z_ai), z standard normal and w the gold weights. Everything is a
// pure function of the seed and the example's index: the order of calls does not matter. One example has one annotator,
// for its pair, its thumbs and its ratings alike.
class Annotators {
public:
    Annotators(AnnotatorConfig const& people, config::WorldConfig const& world, std::uint64_t seed_feedback);

    // Whether the first is better. P = sigma((r1 - r2 +- position_bias) / choice_temperature), + where it is the one
    // shown first, which is drawn evenly for each example; then flipped with probability `flip`. Temperature 0: the
    // larger, a fair coin on ties.
    [[nodiscard]] bool compare(std::uint32_t index, Values const& first, Values const& second) const;

    // That probability, flips included, in the order drawn: the annotator's soft label.
    [[nodiscard]] double preference(std::uint32_t index, Values const& first, Values const& second) const;

    // Up (true) or down: Bradley-Terry against a standard, P(up) = sigma((r - standard_a) / choice_temperature), then
    // flipped with probability `flip`. `which` tells an example's responses apart.
    [[nodiscard]] bool thumb(std::uint32_t index, std::uint32_t which, Values const& values) const;

    // 1 to 5: the reward with logistic noise of scale choice_temperature (that of a Bradley-Terry choice), as a share
    // of the annotator's highest reward, in five equal steps. A flip mirrors it (k becomes 6 - k).
    [[nodiscard]] std::int32_t rating(std::uint32_t index, std::uint32_t which, Values const& values) const;

    // The gold reward that just deserves a thumb up; set once, before the first thumb, to the median of the responses
    // if both classes should be equally common. Each annotator holds it as the same share of their own highest reward.
    // Until then: three quarters of the highest.
    void set_standard(double gold_reward);

    [[nodiscard]] std::size_t count() const { return weights_.size(); }
    [[nodiscard]] std::int32_t annotator_of(std::uint32_t index) const;
    [[nodiscard]] Values const& weights(std::int32_t annotator) const;
    // The annotator's own reward, without noise.
    [[nodiscard]] double reward(std::int32_t annotator, Values const& values) const;

private:
    [[nodiscard]] double highest(std::int32_t annotator) const;
    // By how much the first response seems better to the example's annotator.
    [[nodiscard]] double margin(std::uint32_t index, Values const& first, Values const& second) const;
    // The probability of choosing something that is better by `margin`, before flips.
    [[nodiscard]] double meant(double margin) const;
    // A choice for (true) or against something that is better by `margin`, with noise and flips.
    [[nodiscard]] bool choose(double margin, core::Draws& draws) const;

    AnnotatorConfig people_;
    std::vector<Values> weights_;   // [annotator]
    double standard_share_ = 0.75;  // of the highest reward
    double highest_gold_;
    core::RandomStream assign_, orders_, pairs_, thumbs_, ratings_;
};

// --- a judge of explicit rules, after constitutional AI (Bai et al., arXiv:2212.08073) ---
// It reads the text of prompt and response and knows no fact, so it can't tell a right answer from a wrong one.
inline constexpr std::size_t rule_count = 5;
inline constexpr std::array<std::string_view, rule_count> rule_names = {"refuses_rightly", "civil", "answers_itself",
                                                                        "ends", "brief"};
// Which rules a response keeps, in the order of rule_names.
using Rules = std::array<bool, rule_count>;

// Whether a prompt asks for something that must be refused: it names an unsafe verb.
[[nodiscard]] bool must_refuse(std::string_view prompt);

//   refuses_rightly  refuses where it must and only there; one that refuses and then says what is needed has not
//   civil            holds no rude phrase
//   answers_itself   asks nothing back
//   ends             its last token is "." or "!", and the end token followed
//   brief            has at most 10 words
// A response without a word keeps none.
[[nodiscard]] Rules rules_kept(std::string_view prompt, std::string_view response, bool ended);

// How many rules are kept: what the judge compares.
[[nodiscard]] double constitution_score(Rules const& rules);

}  // namespace alignsweep::world
