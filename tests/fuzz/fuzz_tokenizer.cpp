// SPDX-License-Identifier: Apache-2.0
// tokenizer.json, and what it makes of a text. The input is the file; after a NUL, which JSON never holds, the text.
#include "core/json.hpp"
#include "data/hf_tokenizer.hpp"
#include "fuzz/fuzz.hpp"

using namespace alignsweep;

namespace {

// encode takes valid UTF-8 alone; rows come out of JSON, which sees to it.
std::string valid_utf8(std::string_view bytes) {
    auto const dumped = core::Json(bytes).dump(-1, ' ', false, core::Json::error_handler_t::replace);
    return core::Json::parse(dumped).get<std::string>();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* input, std::size_t size) {
    std::string_view const all = fuzz::text_of(input, size);
    std::size_t const end = std::min(all.find('\0'), all.size());
    auto const file = fuzz::write_file("tokenizer.json", all.substr(0, end));
    std::string const text =
        valid_utf8(end < all.size() ? all.substr(end + 1) : "It's  12,345 caf\xC3\xA9s\n\n <|end|>!");
    fuzz::accepts("tokenizer.json", [&] {
        data::HfTokenizer const tokenizer(file);
        std::int64_t const vocabulary = tokenizer.spec().vocabulary;
        for (std::string_view const part : {std::string_view(text), std::string_view()}) {
            auto const first = tokenizer.encode(part);
            fuzz::require(std::all_of(first.begin(), first.end(), [&](auto id) { return id >= 0 && id < vocabulary; }),
                          "an id beyond the vocabulary");
            fuzz::require(first == tokenizer.encode(part), "the cache changes the tokens");
        }
        return tokenizer.id_of("<|end|>");
    });
    return 0;
}
