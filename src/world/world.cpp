// SPDX-License-Identifier: Apache-2.0
#include "world/world.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace alignsweep::world {

namespace {

constexpr std::size_t fact_group = 0, open_group = 1, how_to_group = 2;
constexpr std::array<std::size_t, 3> group_attributes = {words::attribute_count, words::action_count,
                                                         words::verb_count};

core::Draws draws_of(std::uint64_t seed, char const* purpose, std::size_t row = 0) {
    return {core::RandomStream(seed, purpose), 0, static_cast<std::uint32_t>(row)};
}

// A mask of `chosen` of `count` bits.
std::uint64_t draw_subset(std::size_t count, std::size_t chosen, core::Draws draws) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    draws.shuffle(order);
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < chosen; ++i) { mask |= std::uint64_t{1} << order[i]; }
    return mask;
}

template <std::size_t n>
std::vector<std::string> first_words(std::array<std::string_view, n> const& listed, std::size_t count,
                                     std::size_t first_made, bool capital) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(i < n ? std::string(listed[i]) : words::made_word(first_made + i, capital));
    }
    return all;
}

}  // namespace

std::size_t draw_weighted(std::span<double const> weights, char const* what, core::Draws& draws) {
    double const total = std::accumulate(weights.begin(), weights.end(), 0.0);
    if (!(total > 0.0)) { throw core::ConfigError(what, " are all 0; at least one must be positive"); }
    double left = draws.uniform() * total;
    std::size_t last = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] <= 0.0) { continue; }
        last = i;  // rounding may leave a little at the end: it is the last possible one's
        if (left < weights[i]) { break; }
        left -= weights[i];
    }
    return last;
}

World::World(config::WorldConfig const& config, std::uint64_t seed_world) : config_(config) {
    auto const name_count = static_cast<std::size_t>(config.names);
    auto const value_total = static_cast<std::size_t>(config.values);
    auto const object_count = static_cast<std::size_t>(config.objects);
    core::check(value_total >= 2 && value_total <= 64 && object_count >= 1 && name_count >= 1, "size of the world");

    std::vector<std::size_t> codes(words::name_codes);
    std::iota(codes.begin(), codes.end(), std::size_t{0});
    draws_of(seed_world, "world/names").shuffle(codes);
    names_ = words::make_names(codes, name_count);

    // Each list has its own range of made words.
    for (std::size_t a = 0; a < words::attribute_count; ++a) {
        bool const town = a == 3;
        values_[a] = first_words(words::attributes[a].values, value_total, 64 * a, town);
    }
    objects_ = first_words(words::listed_objects, object_count, 64 * words::attribute_count, false);
    tools_ = first_words(words::tools, words::tool_count, 0, false);
    for (std::size_t a = 0; a < words::action_count; ++a) {
        answers_[a] = first_words(words::actions[a].answers, words::action_answers, 0, false);
    }

    for (std::size_t n = 0; n < name_count; ++n) {
        auto draws = draws_of(seed_world, "world/facts", n);
        for (std::size_t a = 0; a < words::attribute_count; ++a) { facts_.push_back(draws.index(value_total)); }
    }
    for (std::size_t o = 0; o < object_count; ++o) {
        object_tools_.push_back(
            draw_subset(words::tool_count, words::object_tools, draws_of(seed_world, "world/tools", o)));
    }
    for (std::size_t q = 0; q < words::day_count * words::action_count; ++q) {
        good_answers_.push_back(
            draw_subset(words::action_answers, words::good_answers, draws_of(seed_world, "world/answers", q)));
    }

    list_contents();
    draw_split(fact_group, name_count, words::attribute_count, draws_of(seed_world, "world/split", fact_group));
    draw_split(open_group, words::day_count, words::action_count, draws_of(seed_world, "world/split", open_group));
    draw_split(how_to_group, object_count, words::verb_count, draws_of(seed_world, "world/split", how_to_group));
    if (!(config.fact_share + config.open_share + config.harmless_share + config.unsafe_share > 0.0)) {
        throw core::ConfigError(
            "[world] fact_share, open_share, harmless_share and unsafe_share are all 0; at least one must be positive");
    }
    list_prompts();
}

void World::list_contents() {
    auto const add = [this](std::vector<std::string> const& list, Content::Kind kind, std::size_t which) {
        for (std::size_t i = 0; i < list.size(); ++i) { contents_[tokens(list[i]).front()] = {kind, which, i}; }
    };
    add(names_, Content::Kind::name, 0);
    for (std::size_t a = 0; a < values_.size(); ++a) { add(values_[a], Content::Kind::value, a); }
    for (std::size_t a = 0; a < answers_.size(); ++a) { add(answers_[a], Content::Kind::answer, a); }
    add(tools_, Content::Kind::tool, 0);
}

void World::list_prompts() {
    for (auto const kind : {PromptKind::fact, PromptKind::open, PromptKind::harmless, PromptKind::unsafe}) {
        std::size_t const group = group_of(kind), attributes = group_attributes[group];
        for (std::size_t topic = 0; topic < split_[group].size(); ++topic) {
            for (std::size_t form = 0; form < words::form_count; ++form) {
                auto prompt = prompt_at(kind, static_cast<std::int32_t>(topic / attributes),
                                        static_cast<std::int32_t>(topic % attributes), static_cast<std::int32_t>(form));
                std::string const text = prompt.text;
                prompts_.emplace(text, std::move(prompt));
            }
        }
    }
}

std::optional<Content> World::content(std::string const& word) const {
    auto const found = contents_.find(word);
    return found == contents_.end() ? std::nullopt : std::optional(found->second);
}

// Both splits get at least one topic, whatever train_share: there are always prompts to train on and to ask.
void World::draw_split(std::size_t group, std::size_t subjects, std::size_t attributes, core::Draws draws) {
    std::size_t const count = subjects * attributes;
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    draws.shuffle(order);
    auto train = static_cast<std::size_t>(std::lround(config_.train_share * static_cast<double>(count)));
    train = std::clamp<std::size_t>(train, 1, count - 1);
    split_[group].assign(count, Split::heldout);
    for (std::size_t i = 0; i < train; ++i) { split_[group][order[i]] = Split::train; }
    for (std::size_t i = 0; i < count; ++i) {
        topics_[group][static_cast<std::size_t>(split_[group][i])].push_back(
            {static_cast<std::int32_t>(i / attributes), static_cast<std::int32_t>(i % attributes)});
    }
}

std::size_t World::group_of(PromptKind kind) const {
    return kind == PromptKind::fact ? fact_group : kind == PromptKind::open ? open_group : how_to_group;
}

std::size_t World::fact(std::size_t name, std::size_t attribute) const {
    return facts_[name * words::attribute_count + attribute];
}

PromptKind World::draw_kind(core::Draws& draws) const {
    std::array<double, 4> const shares = {config_.fact_share, config_.open_share, config_.harmless_share,
                                          config_.unsafe_share};
    return static_cast<PromptKind>(draw_weighted(shares, "[world] shares of prompts", draws));
}

Prompt World::draw_prompt(PromptKind kind, Split split, core::Draws& draws) const {
    auto const& topics = topics_[group_of(kind)][static_cast<std::size_t>(split)];
    Topic const topic = topics[draws.index(topics.size())];
    return prompt_at(kind, topic.subject, topic.attribute, static_cast<std::int32_t>(draws.index(words::form_count)));
}

Prompt World::prompt(Split split, core::Draws& draws) const {
    PromptKind const kind = draw_kind(draws);
    return draw_prompt(kind, split, draws);
}

std::optional<Prompt> World::twin(Prompt const& prompt, core::Draws& draws) const {
    if (group_of(prompt.kind) != how_to_group) { return std::nullopt; }
    PromptKind const other = prompt.kind == PromptKind::unsafe ? PromptKind::harmless : PromptKind::unsafe;
    // Never empty: the prompt's own pair of verbs is one.
    std::vector<std::int32_t> verbs;
    auto const& splits = split_[how_to_group];
    auto const row = static_cast<std::size_t>(prompt.subject) * words::verb_count;
    for (std::size_t v = 0; v < words::verb_count; ++v) {
        if (splits[row + v] == split_of(prompt)) { verbs.push_back(static_cast<std::int32_t>(v)); }
    }
    return prompt_at(other, prompt.subject, verbs[draws.index(verbs.size())], prompt.form);
}

Prompt World::prompt_at(PromptKind kind, std::int32_t subject, std::int32_t attribute, std::int32_t form) const {
    std::size_t const group = group_of(kind);
    std::size_t const attributes = group_attributes[group];
    core::check(subject >= 0 && static_cast<std::size_t>(subject) < split_[group].size() / attributes &&
                    attribute >= 0 && static_cast<std::size_t>(attribute) < attributes && form >= 0 &&
                    static_cast<std::size_t>(form) < words::form_count,
                "prompt of kind ", static_cast<int>(kind), ", subject ", subject, ", attribute ", attribute, ", form ",
                form);
    auto const s = static_cast<std::size_t>(subject);
    auto const a = static_cast<std::size_t>(attribute);
    auto const f = static_cast<std::size_t>(form);
    auto const& verbs = kind == PromptKind::unsafe ? words::unsafe_verbs : words::harmless_verbs;
    auto const question = group == fact_group   ? words::fill(words::attributes[a].questions[f], names_[s])
                          : group == open_group ? words::fill(words::actions[a].questions[f], words::days[s])
                                                : words::fill(words::how_to_questions[f], verbs[a], objects_[s]);
    return {kind, subject, attribute, form, " " + question + "\n"};
}

std::optional<Prompt> World::find(std::string const& text) const {
    auto const found = prompts_.find(text);
    return found == prompts_.end() ? std::nullopt : std::optional(found->second);
}

Split World::split_of(Prompt const& prompt) const {
    std::size_t const group = group_of(prompt.kind);
    return split_[group].at(static_cast<std::size_t>(prompt.subject) * group_attributes[group] +
                            static_cast<std::size_t>(prompt.attribute));
}

AnswerKey World::answer_key(Prompt const& prompt) const {
    auto const s = static_cast<std::size_t>(prompt.subject);
    auto const a = static_cast<std::size_t>(prompt.attribute);
    if (prompt.kind == PromptKind::fact) { return {values_[a], std::uint64_t{1} << fact(s, a)}; }
    if (prompt.kind == PromptKind::open) { return {answers_[a], good_answers_[s * words::action_count + a]}; }
    return {tools_, object_tools_[s]};
}

}  // namespace alignsweep::world
