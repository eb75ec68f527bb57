// SPDX-License-Identifier: Apache-2.0
// Added tokens as the tokenizers library has them: the ids that it gives them, and how it finds them in a text.
// Source: huggingface/tokenizers, tokenizers/src/tokenizer/added_vocabulary.rs, version 0.23.
#pragma once

#include "data/hf_normalizer.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace alignsweep::data {

struct AddedToken {
    std::string text;
    bool single_word = false;  // not beside a letter, mark, digit or connector
    bool lstrip = false;       // takes white space on its left with it
    bool rstrip = false;       // ... on its right
    bool normalized = true;    // found in the normalized text, after those that are found in the text as it is
    bool special = false;
    bool operator==(AddedToken const&) const = default;
};

class AddedTokens {
public:
    using Ids = std::unordered_map<std::string, std::int32_t>;

    // `file` is for errors.
    explicit AddedTokens(std::string file = {}) : file_(std::move(file)) {}

    // Adds tokens. One that the model's vocabulary or an earlier token has gets that one's id, whatever a file says;
    // any other the next free one, which counts the entries of the vocabulary, not its ids. A token of an id that
    // another token has takes its place. Throws IoError where two are the same after normalization, of which the
    // library finds one by chance, or one is empty then, on which the library hangs.
    void add(std::vector<AddedToken> const& tokens, Ids const& vocabulary, Normalizer const& normalizer);

    // A stretch of text, or (id >= 0) the added token found in it.
    struct Part {
        std::string text;
        std::int32_t id = -1;
    };
    // The parts of a text: first tokens that are not `normalized` are found, then what is left is normalized, then the
    // others are found in it. The longest of those that begin first is taken. With `split_special`, special tokens are
    // left in the text. Parts are never empty. Throws IoError for a text that the library itself can't take: where a
    // token with rstrip has eaten white space that is another, with lstrip.
    [[nodiscard]] std::vector<Part> parts(std::string_view text, Normalizer const& normalizer,
                                          bool split_special) const;

    // The id of a token by its text; -1: none.
    [[nodiscard]] std::int32_t id_of(std::string const& text) const;
    [[nodiscard]] std::map<std::int32_t, AddedToken> const& by_id() const { return by_id_; }

private:
    struct Matcher {
        std::unordered_map<std::string, std::int32_t> ids;
        std::array<std::vector<std::size_t>, 256> lengths;  // of tokens that begin with a byte, the longest first
    };
    void find(std::string_view text, Matcher const& matcher, bool split_special, std::vector<Part>& parts) const;

    std::string file_;
    Ids ids_;
    std::map<std::int32_t, AddedToken> by_id_;
    std::set<std::string> special_;                   // texts that were ever added as special
    std::map<std::int32_t, std::string> normalized_;  // what tokens are after normalization, where that differs
    Matcher plain_, after_;
};

}  // namespace alignsweep::data
