// SPDX-License-Identifier: Apache-2.0
// core/text.hpp: whatever the bytes, a message is one short line of valid UTF-8.
#include "core/json.hpp"
#include "core/text.hpp"
#include "fuzz/fuzz.hpp"

using namespace alignsweep;

namespace {

void check_line(std::string const& line) {
    bool const hidden = std::any_of(line.begin(), line.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
    });
    fuzz::require(!hidden, "a control character is left");
    // dump throws for bytes that are not UTF-8.
    static_cast<void>(core::Json(line).dump());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text = fuzz::text_of(data, size);
    std::string const line = core::one_line(text);
    check_line(line);
    fuzz::require(core::one_line(line) == line, "one_line changes its own result");
    std::string const message = core::message_line(text);
    check_line(message);
    fuzz::require(message.size() <= fuzz::longest_message, "message_line is too long");
    for (std::size_t longest : {0, 1, 7, 80}) {
        std::string const cut = core::excerpt(text, longest);
        check_line(cut);
        fuzz::require(cut.size() <= longest + 3, "excerpt is too long");
    }
    return 0;
}
