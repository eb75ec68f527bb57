// SPDX-License-Identifier: Apache-2.0
// config.json and tokenizer_config.json of a Hugging Face folder: the input is each of them.
#include "fuzz/fuzz.hpp"
#include "store/llama_config.hpp"

using namespace alignsweep;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::write_file("config.json", fuzz::text_of(data, size));
    fuzz::write_file("tokenizer_config.json", fuzz::text_of(data, size));
    auto const& folder = fuzz::scratch();
    fuzz::accepts("config.json", [&] {
        auto const config = store::read_llama_config(folder);
        for (auto const number : {config.vocabulary, config.width, config.depth, config.heads, config.kv_heads,
                                  config.hidden, config.context}) {
            fuzz::require(number >= 1 && number <= std::int64_t{1} << 24, "a size out of range");
        }
        fuzz::require(config.width % config.heads == 0 && config.heads % config.kv_heads == 0, "heads do not divide");
        fuzz::require(config.rope_theta > 0.0 && config.norm_eps > 0.0, "a number that must be above 0");
        return true;
    });
    fuzz::accepts("tokenizer_config.json", [&] { return store::tokenizer_switch(folder, "add_bos_token"); });
    fuzz::accepts("tokenizer_config.json", [&] { return store::has_chat_template(folder); });
    return 0;
}
