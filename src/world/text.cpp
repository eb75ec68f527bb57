// SPDX-License-Identifier: Apache-2.0
#include "world/text.hpp"

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

}  // namespace alignsweep::world
