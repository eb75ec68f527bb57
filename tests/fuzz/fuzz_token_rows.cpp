// SPDX-License-Identifier: Apache-2.0
// Rows of token ids: the input is the file.
#include "data/token_rows.hpp"
#include "fuzz/fuzz.hpp"

using namespace alignsweep;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* input, std::size_t size) {
    constexpr std::int64_t vocabulary = 300;
    auto const file = fuzz::write_file("ids.jsonl", fuzz::text_of(input, size));
    for (auto const policy : {data::BadRows::error, data::BadRows::skip}) {
        fuzz::accepts("ids.jsonl", [&] { return data::holds_token_ids(file, policy); });
        for (auto const kind :
             {data::TokenRowKind::pairs, data::TokenRowKind::thumbs, data::TokenRowKind::completions}) {
            fuzz::accepts("ids.jsonl", [&] {
                auto const read = data::read_token_rows(file, kind, vocabulary, policy);
                fuzz::require(!read.rows.empty() && read.rows.size() == read.lines.size(), "rows and lines differ");
                for (data::TokenRow const& row : read.rows) {
                    for (auto const* ids :
                         {&row.prompt, &row.chosen, &row.rejected, &row.completion, &row.mismatched}) {
                        fuzz::require(
                            std::all_of(ids->begin(), ids->end(), [=](auto id) { return id >= 0 && id < vocabulary; }),
                            "an id beyond the vocabulary");
                    }
                }
                return true;
            });
        }
    }
    return 0;
}
