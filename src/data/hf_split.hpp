// SPDX-License-Identifier: Apache-2.0
// Pre-tokenisation as a tokenizer.json asks for it: cuts text into the pieces that no merge crosses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::data {

enum class SplitKind {
    gpt2,    // GPT-2's pattern (Radford et al. 2019): contractions, " ?letters", " ?numbers", " ?others", white space
    llama3,  // Llama 3's: any case of contractions, one other character before letters, numbers by threes, line ends
    qwen2,   // as llama3, but every number alone
    digit,   // every number alone, the rest as it is
    digits,  // runs of numbers, and the rest
    prefix,  // a space before each piece that does not begin with one; cuts nothing
    bytes    // every byte as the character that GPT-2 writes it as (é: Ã©); cuts nothing
};

// Which of the known patterns a regular expression is; nothing for any other.
[[nodiscard]] std::optional<SplitKind> known_pattern(std::string_view expression);

// Applies the steps in order, each to every piece of the one before. Pieces are never empty.
[[nodiscard]] std::vector<std::string> split_pieces(std::vector<SplitKind> const& steps, std::string_view text);

}  // namespace alignsweep::data
