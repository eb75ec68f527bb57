// SPDX-License-Identifier: Apache-2.0
// tokenizer.json, and what it makes of a text. The input is the file; after a NUL, which JSON never holds, the text;
// after another, tokenizer_config.json.
#include "core/json.hpp"
#include "data/hf_tokenizer.hpp"
#include "data/hf_tokenizer_config.hpp"
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
    auto part = [&, at = std::size_t{0}]() mutable {
        std::size_t const begin = std::min(at, all.size()), end = std::min(all.find('\0', begin), all.size());
        at = end + 1;
        return all.substr(begin, end - begin);
    };
    auto const file = fuzz::write_file("tokenizer.json", part());
    std::string text = valid_utf8(part());
    if (text.empty()) { text = "It's  12,345 caf\xC3\xA9s\n\n <|end|>!"; }
    fuzz::write_file("tokenizer_config.json", part());
    fuzz::accepts("tokenizer", [&] {
        auto spec = data::read_hf_tokenizer(file);
        fuzz::accepts("tokenizer", [&] { return data::add_configured_tokens(fuzz::scratch(), spec); });
        data::HfTokenizer const tokenizer(std::move(spec));
        for (std::string_view const some : {std::string_view(text), std::string_view()}) {
            auto const first = tokenizer.encode(some);
            fuzz::require(std::all_of(first.begin(), first.end(), [](auto id) { return id >= 0; }), "an id below 0");
            fuzz::require(first == tokenizer.encode(some), "the cache changes the tokens");
        }
        return tokenizer.id_of("<|end|>");
    });
    return 0;
}
