// SPDX-License-Identifier: Apache-2.0
// stage.json: the input is the file, as it is and with the digest that it should have, or no mutation would get beyond
// that. What is accepted must be written and read back as the same.
#include "core/digest.hpp"
#include "fuzz/fuzz.hpp"
#include "store/manifest.hpp"

using namespace alignsweep;

namespace {

std::string sealed(std::string text) {
    constexpr std::string_view mark = "\n  \"digest\": \"";
    constexpr std::size_t digits = 32;
    std::size_t const at = text.find(mark);
    if (at == std::string::npos || text.size() < at + mark.size() + digits) { return text; }
    text.replace(at + mark.size(), digits, std::string(digits, '0'));
    return text.replace(at + mark.size(), digits, core::digest_of(text));
}

void try_manifest(std::string_view bytes) {
    auto const& folder = fuzz::scratch();
    fuzz::write_file("stage.json", bytes);
    std::optional<store::Manifest> manifest;
    fuzz::accepts("stage.json", [&] { return (manifest = store::read_manifest(folder)).has_value(); });
    if (!manifest) { return; }
    for (auto const& check : {store::check_place, store::check_files, store::verify_files}) {
        fuzz::accepts(folder.string(), [&] {
            check(folder, *manifest);
            return true;
        });
    }
    store::write_manifest(folder, *manifest);
    auto const again = store::read_manifest(folder);
    fuzz::require(again && again->kind == manifest->kind && again->files == manifest->files &&
                      again->metrics.size() == manifest->metrics.size(),
                  "a manifest that was written does not read back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::write_file("metrics.h5", "not read");
    std::string_view const text = fuzz::text_of(data, size);
    try_manifest(text);
    try_manifest(sealed(std::string(text)));
    return 0;
}
