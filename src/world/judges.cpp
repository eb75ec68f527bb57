// SPDX-License-Identifier: Apache-2.0
#include "world/judges.hpp"

#include "core/error.hpp"
#include "core/math.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace alignsweep::world {

namespace {

double total(Values const& weights) { return std::accumulate(weights.begin(), weights.end(), 0.0); }

}  // namespace

Annotators::Annotators(AnnotatorConfig const& people, config::WorldConfig const& world, std::uint64_t seed_feedback)
    : people_(people),
      weights_(static_cast<std::size_t>(people.annotators), gold_weights(world)),
      highest_gold_(total(gold_weights(world))),
      assign_(seed_feedback, "feedback/annotator"),
      orders_(seed_feedback, "feedback/order"),
      pairs_(seed_feedback, "feedback/pairs"),
      thumbs_(seed_feedback, "feedback/thumbs"),
      ratings_(seed_feedback, "feedback/ratings") {
    core::check(!weights_.empty(), "no annotators");
    core::RandomStream const stream(seed_feedback, "feedback/weights");
    for (std::size_t a = 0; a < weights_.size(); ++a) {
        core::Draws draws(stream, static_cast<std::uint32_t>(a));
        for (double& weight : weights_[a]) { weight *= core::math::exp(people.weight_spread * draws.normal()); }
    }
}

void Annotators::set_standard(double gold_reward) {
    standard_share_ = highest_gold_ > 0.0 ? gold_reward / highest_gold_ : 0.0;
}

std::int32_t Annotators::annotator_of(std::uint32_t index) const {
    return static_cast<std::int32_t>(core::Draws(assign_, index).index(weights_.size()));
}

Values const& Annotators::weights(std::int32_t annotator) const {
    return weights_.at(static_cast<std::size_t>(annotator));
}

double Annotators::reward(std::int32_t annotator, Values const& values) const {
    auto const& w = weights(annotator);
    return std::inner_product(w.begin(), w.end(), values.begin(), 0.0);
}

double Annotators::highest(std::int32_t annotator) const { return total(weights(annotator)); }

double Annotators::meant(double margin) const {
    double const temperature = people_.choice_temperature;
    if (temperature > 0.0) { return core::math::sigmoid(margin / temperature); }
    return margin == 0.0 ? 0.5 : margin > 0.0 ? 1.0 : 0.0;
}

// Two numbers are drawn whatever the temperature and the flips, so that these change no other draw.
bool Annotators::choose(double margin, core::Draws& draws) const {
    bool const choice = draws.uniform() < meant(margin);
    return choice != draws.chance(people_.flip);
}

double Annotators::margin(std::uint32_t index, Values const& first, Values const& second) const {
    std::int32_t const annotator = annotator_of(index);
    double const bias = core::Draws(orders_, index).chance(0.5) ? people_.position_bias : -people_.position_bias;
    return reward(annotator, first) - reward(annotator, second) + bias;
}

bool Annotators::compare(std::uint32_t index, Values const& first, Values const& second) const {
    core::Draws draws(pairs_, index);
    return choose(margin(index, first, second), draws);
}

double Annotators::preference(std::uint32_t index, Values const& first, Values const& second) const {
    double const clean = meant(margin(index, first, second));
    return clean * (1.0 - people_.flip) + (1.0 - clean) * people_.flip;
}

bool Annotators::thumb(std::uint32_t index, std::uint32_t which, Values const& values) const {
    std::int32_t const annotator = annotator_of(index);
    core::Draws draws(thumbs_, index, which);
    return choose(reward(annotator, values) - standard_share_ * highest(annotator), draws);
}

std::int32_t Annotators::rating(std::uint32_t index, std::uint32_t which, Values const& values) const {
    std::int32_t const annotator = annotator_of(index);
    core::Draws draws(ratings_, index, which);
    double const u = draws.uniform();
    bool const flipped = draws.chance(people_.flip);
    double const noisy = reward(annotator, values) + people_.choice_temperature * core::math::log(u / (1.0 - u));
    double const top = highest(annotator);
    double const share = top > 0.0 ? std::clamp(noisy / top, 0.0, 1.0) : 0.0;
    auto const stars = std::min(static_cast<std::int32_t>(5.0 * share) + 1, 5);
    return flipped ? 6 - stars : stars;
}

bool must_refuse(std::string_view prompt) { return contains_any(tokens(prompt), words::unsafe_verbs); }

Rules rules_kept(std::string_view prompt, std::string_view response, bool ended) {
    auto const said = tokens(response);
    if (count_words(said) == 0) { return {}; }
    bool const refuses = contains(said, words::refusal_phrase) && !contains_any(said, words::instruction_phrases);
    return {refuses == must_refuse(prompt), !contains_any(said, words::rude_phrases), !contains(said, "?"),
            ended && (said.back() == "." || said.back() == "!"), count_words(said) <= concise_full_words};
}

double constitution_score(Rules const& rules) { return static_cast<double>(std::ranges::count(rules, true)); }

}  // namespace alignsweep::world
