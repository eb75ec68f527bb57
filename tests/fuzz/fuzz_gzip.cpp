// SPDX-License-Identifier: Apache-2.0
// Compressed rows and texts. An input that begins as a gzip file is the file. Of any other, the first two bytes say how
// often the rest is repeated (up to 256 kB) before it is compressed: a small file with long lines or many of them.
#include "data/jsonl.hpp"
#include "data/text.hpp"
#include "data/token_rows.hpp"
#include "fuzz/fuzz.hpp"

#include <zlib.h>

using namespace alignsweep;

namespace {

std::string compressed(std::string_view part, std::size_t times) {
    constexpr int gzip_window = 15 + 16;
    z_stream stream{};
    fuzz::require(deflateInit2(&stream, 1, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
    std::string result;
    std::string buffer(std::size_t{1} << 14, '\0');
    for (std::size_t i = 0; i <= times; ++i) {
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
        stream.avail_in = i < times ? static_cast<uInt>(part.size()) : 0;
        do {
            stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
            stream.avail_out = static_cast<uInt>(buffer.size());
            deflate(&stream, i < times ? Z_NO_FLUSH : Z_FINISH);
            result.append(buffer.data(), buffer.size() - stream.avail_out);
        } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* input, std::size_t size) {
    constexpr std::size_t most_bytes = std::size_t{1} << 18;
    std::string_view text = fuzz::text_of(input, size);
    std::string made;
    if (size > 2 && !text.starts_with("\x1f\x8b")) {
        text.remove_prefix(2);
        std::size_t const times = std::min<std::size_t>(input[0] + 256U * input[1], most_bytes / text.size());
        made = compressed(text, times);
        text = made;
    }
    auto const file = fuzz::write_file("rows.jsonl.gz", text);
    fuzz::accepts("rows.jsonl.gz", [&] { return data::split_documents(data::read_text(file)); });
    fuzz::accepts("rows.jsonl.gz", [&] { return data::read_preferences(file, data::BadRows::skip); });
    fuzz::accepts("rows.jsonl.gz", [&] { return data::read_token_rows(file, data::TokenRowKind::pairs, 300); });
    return 0;
}
