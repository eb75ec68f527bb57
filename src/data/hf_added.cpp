// SPDX-License-Identifier: Apache-2.0
#include "data/hf_added.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "data/unicode.hpp"

#include <algorithm>
#include <functional>

namespace alignsweep::data {
namespace {

// Begin of the last character of a text that is not empty.
std::size_t last_character(std::string_view text) { return core::boundary(text, text.size() - 1); }

bool begins_with_word(std::string_view text) { return !text.empty() && is_word(code_point(text, 0).value); }
bool ends_with_word(std::string_view text) {
    return !text.empty() && is_word(code_point(text, last_character(text)).value);
}

// Where the white space at the end of a text begins.
std::size_t space_at_end(std::string_view text) {
    while (!text.empty()) {
        std::size_t const last = last_character(text);
        if (!is_space(code_point(text, last).value)) { break; }
        text = text.substr(0, last);
    }
    return text.size();
}

// Where the white space at the begin of a text ends.
std::size_t space_at_begin(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        auto const c = code_point(text, at);
        if (!is_space(c.value)) { break; }
        at += c.bytes;
    }
    return at;
}

}  // namespace

void AddedTokens::add(std::vector<AddedToken> const& tokens, Ids const& vocabulary, Normalizer const& normalizer) {
    auto const size = static_cast<std::int32_t>(vocabulary.size());
    std::int32_t next = by_id_.empty() ? size : std::max(size, by_id_.rbegin()->first + 1);
    for (AddedToken const& token : tokens) {
        if (token.text.empty()) { continue; }
        std::int32_t id = id_of(token.text);
        if (id >= 0 && by_id_.at(id) == token) { continue; }
        if (auto const known = vocabulary.find(token.text); id < 0 && known != vocabulary.end()) { id = known->second; }
        if (id < 0) { id = next++; }
        if (token.normalized) {
            // An entry of a token that had this id before stays where this one has none of its own: so it is there.
            std::string form = normalized(normalizer, token.text);
            if (form != token.text) { normalized_[id] = std::move(form); }
        }
        if (token.special) { special_.insert(token.text); }
        ids_[token.text] = id;
        by_id_[id] = token;
    }
    plain_ = after_ = {};
    for (auto const& [id, token] : by_id_) {
        Matcher& matcher = token.normalized ? after_ : plain_;
        auto const form = token.normalized ? normalized_.find(id) : normalized_.end();
        std::string const& text = form == normalized_.end() ? token.text : form->second;
        if (text.empty() || !matcher.ids.emplace(text, id).second) {
            throw core::IoError(
                file_, ": the added token \"", core::excerpt(token.text), '"',
                text.empty() ? " is empty after normalization"
                             : " is the same as another one after normalization, and the tokenizers library finds one "
                               "of the two by chance",
                "; no such token is supported");
        }
        auto& lengths = matcher.lengths[static_cast<unsigned char>(text[0])];
        if (std::find(lengths.begin(), lengths.end(), text.size()) == lengths.end()) { lengths.push_back(text.size()); }
    }
    for (Matcher* matcher : {&plain_, &after_}) {
        for (auto& lengths : matcher->lengths) { std::sort(lengths.begin(), lengths.end(), std::greater<>()); }
    }
}

std::int32_t AddedTokens::id_of(std::string const& text) const {
    auto const found = ids_.find(text);
    return found == ids_.end() ? -1 : found->second;
}

void AddedTokens::find(std::string_view text, Matcher const& matcher, bool split_special,
                       std::vector<Part>& parts) const {
    auto const match = [&](std::size_t at) -> std::pair<std::int32_t, std::size_t> {
        for (std::size_t const length : matcher.lengths[static_cast<unsigned char>(text[at])]) {
            if (at + length > text.size()) { continue; }
            auto const found = matcher.ids.find(std::string(text.substr(at, length)));
            if (found != matcher.ids.end()) { return {found->second, length}; }
        }
        return {-1, 1};
    };
    // As the library goes: what a token has eaten with rstrip may hold another one, which then ends the first.
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
        auto const [id, length] = match(at);
        std::size_t begin = at, end = at + length;
        at = end;
        if (id < 0) { continue; }
        AddedToken const& token = by_id_.at(id);
        if (split_special && special_.contains(token.text)) { continue; }
        if (token.single_word && (ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end)))) {
            continue;
        }
        if (token.lstrip) { begin = std::max(space_at_end(text.substr(0, begin)), done); }
        if (token.rstrip) { end += space_at_begin(text.substr(end)); }
        if (begin > end) {
            throw core::IoError(file_, ": the added token \"", core::excerpt(token.text),
                                "\" (lstrip) lies in the white space that another one (rstrip) has taken; "
                                "the tokenizers library can't take such a text");
        }
        if (done < begin) { parts.push_back({std::string(text.substr(done, begin - done)), -1}); }
        if (begin < end) { parts.push_back({std::string(text.substr(begin, end - begin)), id}); }
        done = end;
    }
    if (done < text.size()) { parts.push_back({std::string(text.substr(done)), -1}); }
}

std::vector<AddedTokens::Part> AddedTokens::parts(std::string_view text, Normalizer const& normalizer,
                                                  bool split_special) const {
    std::vector<Part> raw, result;
    find(text, plain_, split_special, raw);
    for (Part& part : raw) {
        if (part.id >= 0) {
            result.push_back(std::move(part));
        } else {
            find(normalized(normalizer, std::move(part.text)), after_, split_special, result);
        }
    }
    return result;
}

}  // namespace alignsweep::data
