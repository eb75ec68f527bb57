// SPDX-License-Identifier: Apache-2.0
// Rows of texts and conversations: the input is the file.
#include "data/jsonl.hpp"
#include "fuzz/fuzz.hpp"

using namespace alignsweep;

namespace {

template <class Row>
void check(data::Rows<Row> const& read) {
    fuzz::require(!read.rows.empty() && read.rows.size() == read.lines.size(), "rows and lines differ");
    fuzz::require(std::is_sorted(read.lines.begin(), read.lines.end()) && read.lines.front() >= 1, "lines do not rise");
    fuzz::require(read.counts.rows >= static_cast<std::int64_t>(read.rows.size()), "more rows kept than read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const file = fuzz::write_file("rows.jsonl", fuzz::text_of(data, size));
    for (auto const policy : {data::BadRows::error, data::BadRows::skip}) {
        auto const try_reader = [&](auto const& reader) {
            fuzz::accepts("rows.jsonl", [&] {
                auto const read = reader();
                check(read);
                fuzz::require(policy == data::BadRows::skip || read.counts.bad == 0, "a bad row without an error");
                auto const note = data::skipped_rows(file, read.counts);
                fuzz::require(note.empty() == (read.counts.bad == 0), "skipped rows are told, and only those");
                return true;
            });
        };
        try_reader([&] { return data::read_completions(file, policy); });
        try_reader([&] { return data::read_preferences(file, policy); });
        try_reader([&] { return data::read_thumbs(file, policy); });
    }
    return 0;
}
