// SPDX-License-Identifier: Apache-2.0
// What a tokenizer.json does to a text before it is cut.
#pragma once

#include <string>
#include <vector>

namespace alignsweep::data {

struct NormalizerStep {
    enum class Kind { nfc, prepend, replace };
    Kind kind;
    std::string pattern;  // replace: a text, not empty
    std::string content;  // prepend, replace
};
using Normalizer = std::vector<NormalizerStep>;

// Applies the steps in order. The text is valid UTF-8.
[[nodiscard]] std::string normalized(Normalizer const& steps, std::string text);

}  // namespace alignsweep::data
