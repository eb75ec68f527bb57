// SPDX-License-Identifier: Apache-2.0
// core::parse_json: takes nothing that nlohmann's parser refuses but Python's words for numbers, and stays in bounds.
#include "core/json.hpp"
#include "core/text.hpp"
#include "fuzz/fuzz.hpp"

using namespace alignsweep;

namespace {

int depth_of(core::Json const& value) {
    int below = 0;
    if (value.is_structured()) {
        for (auto const& item : value) { below = std::max(below, depth_of(item)); }
        ++below;
    }
    return below;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text = fuzz::text_of(data, size);
    core::Json value;
    bool const taken = fuzz::accepts("input.json", [&] { return value = core::parse_json(text, "input.json"); });
    bool const as_line = fuzz::accepts("input.json:7: ", [&] { return core::parse_json(text, "input.json", 7); });
    fuzz::require(taken == as_line, "the number of a line decides whether JSON is taken");
    if (!taken) { return 0; }
    fuzz::require(depth_of(value) <= core::deepest_json, "deeper than deepest_json");
    bool const python = text.find("NaN") != std::string_view::npos || text.find("Infinity") != std::string_view::npos;
    fuzz::require(python || core::Json::parse(text, nullptr, false) == value, "not the value that nlohmann reads");
    std::string const shown = core::shown(value);
    fuzz::require(shown.size() <= 90 && core::one_line(shown) == shown, "shown() is not a short line");
    return 0;
}
