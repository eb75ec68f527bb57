// SPDX-License-Identifier: Apache-2.0
#include "world/words.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace alignsweep::world {

bool is_mark(std::string_view token) {
    return token.size() == 1 && std::string_view(".,?!").find(token[0]) != std::string_view::npos;
}

std::vector<std::string> tokens(std::string_view text) {
    std::vector<std::string> all;
    bool inside = false;  // of a word that goes on
    for (char const c : text) {
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
            inside = false;
        } else if (is_mark({&c, 1})) {
            all.emplace_back(1, c);
            inside = false;
        } else {
            if (!inside) { all.emplace_back(); }
            all.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            inside = true;
        }
    }
    return all;
}

std::size_t count_words(std::vector<std::string> const& tokens) {
    return static_cast<std::size_t>(
        std::count_if(tokens.begin(), tokens.end(), [](std::string const& token) { return !is_mark(token); }));
}

bool contains(std::vector<std::string> const& text, std::string_view phrase) {
    auto const wanted = tokens(phrase);
    return !wanted.empty() && std::search(text.begin(), text.end(), wanted.begin(), wanted.end()) != text.end();
}

namespace words {

std::string fill(std::string_view form, std::string_view first, std::string_view second) {
    std::string text;
    for (std::size_t i = 0; i < form.size(); ++i) {
        if (form[i] == '{') {
            text += form[i + 1] == '0' ? first : second;
            i += 2;
        } else {
            text += form[i];
        }
    }
    return text;
}

namespace {

constexpr std::string_view consonants = "bdfhklmnprstvz";
constexpr std::string_view vowels = "aeiou";
static_assert(consonants.size() * vowels.size() == 70);

std::string syllable(std::size_t code) { return {consonants[code / vowels.size()], vowels[code % vowels.size()]}; }

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// English words of the shape of a name: those that the forms use, and some that nobody should be called.
bool is_taken(std::string const& word) {
    static constexpr std::array<std::string_view, 20> taken = {"like", "live", "fine", "have", "home", "some", "here",
                                                               "rope", "file", "nazi", "rape", "puta", "puto", "homo",
                                                               "pedo", "hobo", "dike", "kike", "nude", "sado"};
    return std::find(taken.begin(), taken.end(), word) != taken.end();
}

}  // namespace

std::vector<std::string> make_names(std::vector<std::size_t> const& codes, std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t const code : codes) {
        if (names.size() == count) { break; }
        std::string name = syllable(code / 70) + syllable(code % 70);
        if (code / 70 == code % 70 || is_taken(name)) { continue; }
        name[0] = upper(name[0]);
        names.push_back(std::move(name));
    }
    core::check(names.size() == count, "only ", names.size(), " of ", count, " names");
    return names;
}

std::string made_word(std::size_t index, bool capital) {
    // A stride coprime to 70^3 visits every word once, far from its neighbours.
    std::size_t const code = (index + 1) * 104729 % (70 * 70 * 70);
    std::string word = syllable(code / 4900) + syllable(code / 70 % 70) + syllable(code % 70);
    if (capital) { word[0] = upper(word[0]); }
    return word;
}

}  // namespace words

}  // namespace alignsweep::world
