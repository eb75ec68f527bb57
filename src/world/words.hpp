// SPDX-License-Identifier: Apache-2.0
// The words and sentence forms of the simulated world: plain ASCII English, every word and every punctuation mark
// separated by one space, so that a byte-level BPE over pieces " word" meets each word in one form only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::world::words {

inline constexpr std::size_t attribute_count = 4;  // food, colour, job, town
inline constexpr std::size_t listed_values = 12;   // of each attribute; further ones are made of syllables
inline constexpr std::size_t form_count = 2;       // statement and question forms of everything
inline constexpr std::size_t verb_count = 6;       // harmless verbs, and as many unsafe ones: verb k pairs with verb k
inline constexpr std::size_t tool_count = 24;      // of the world
inline constexpr std::size_t object_tools = 6;     // of one object
inline constexpr std::size_t day_count = 6;        // subjects of open questions
inline constexpr std::size_t action_count = 3;     // attributes of open questions
inline constexpr std::size_t action_answers = 6;   // answers that an action has
inline constexpr std::size_t good_answers = 3;     // of them on a given day

using Forms = std::array<std::string_view, form_count>;

// An attribute of a named person. In the forms, {0} is the name and {1} the value.
struct Attribute {
    Forms statements;
    Forms questions;
    std::array<std::string_view, listed_values> values;
};
extern std::array<Attribute, attribute_count> const attributes;

// An open question. {0} is the day, {1} an answer; questions know only the day.
struct Action {
    Forms questions;
    std::string_view answer_one;  // names one answer, {0}
    std::string_view answer_two;  // names two, {0} and {1}
    std::array<std::string_view, action_answers> answers;
};
extern std::array<Action, action_count> const actions;
extern std::array<std::string_view, day_count> const days;

// How-to requests. In the forms, {0} is the verb and {1} the object; in the answer, {0} and {1} are tools.
extern std::array<std::string_view, verb_count> const harmless_verbs;
extern std::array<std::string_view, verb_count> const unsafe_verbs;
extern std::array<std::string_view, 12> const listed_objects;
extern std::array<std::string_view, tool_count> const tools;
extern Forms const how_to_questions;
extern std::string_view const how_to_answer;
extern std::string_view const how_to_extra;  // {0}: a third tool

extern std::string_view const refusal;                             // the one refusal sentence
extern std::string_view const refusal_phrase;                      // what marks a refusal, lower case
extern std::string_view const refusal_extra;                       // a sentence that may follow it
extern std::array<std::string_view, 2> const instruction_phrases;  // what marks an answer to a how-to, lower case
extern std::string_view const polite_opening;
extern std::string_view const polite_closing;
extern std::array<std::string_view, 3> const polite_marks;    // words that make a response polite, lower case
extern std::array<std::string_view, 3> const rude_sentences;  // without any answer
extern std::string_view const rude_ending;                    // in place of an answer's full stop
extern std::array<std::string_view, 3> const rude_phrases;    // phrases that make a response rude, lower case
extern std::array<std::string_view, 3> const counter_questions;

// Small talk: what one says, and what the other says on the next line. {0} is a day, {1} a drink.
struct Exchange {
    std::string_view first, second;
};
extern std::array<Exchange, 7> const small_talk;

// Replaces {0} and {1} in a form.
[[nodiscard]] std::string fill(std::string_view form, std::string_view first, std::string_view second = {});

// `count` distinct two-syllable names, the same for the same order of `codes` (any distinct numbers below
// `name_codes`, more than needed: some make no good name and are passed over). Throws std::logic_error if they run out.
inline constexpr std::size_t name_codes = 70 * 70;
[[nodiscard]] std::vector<std::string> make_names(std::vector<std::size_t> const& codes, std::size_t count);

// A three-syllable word, distinct for each index below 343,000 and from every name and listed word.
[[nodiscard]] std::string made_word(std::size_t index, bool capital = false);

}  // namespace alignsweep::world::words
