// SPDX-License-Identifier: Apache-2.0
#include "data/hf_normalizer.hpp"

#include "data/unicode.hpp"

namespace alignsweep::data {
namespace {

std::string replaced(std::string const& text, std::string const& pattern, std::string const& content) {
    std::string result;
    std::size_t begin = 0;
    for (std::size_t at = text.find(pattern); at != std::string::npos; at = text.find(pattern, begin)) {
        result.append(text, begin, at - begin).append(content);
        begin = at + pattern.size();
    }
    return result.append(text, begin);
}

}  // namespace

std::string normalized(Normalizer const& steps, std::string text) {
    for (NormalizerStep const& step : steps) {
        switch (step.kind) {
            case NormalizerStep::Kind::nfc:
                text = nfc(text);
                break;
            case NormalizerStep::Kind::prepend:
                if (!text.empty()) { text = step.content + text; }
                break;
            case NormalizerStep::Kind::replace:
                text = replaced(text, step.pattern, step.content);
                break;
        }
    }
    return text;
}

}  // namespace alignsweep::data
