// SPDX-License-Identifier: Apache-2.0
// stage.json: the input is the file. What is accepted must be written and read back as the same.
#include "fuzz/fuzz.hpp"
#include "store/manifest.hpp"

using namespace alignsweep;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const& folder = fuzz::scratch();
    fuzz::write_file("metrics.h5", "not read");
    fuzz::write_file("stage.json", fuzz::text_of(data, size));
    std::optional<store::Manifest> manifest;
    fuzz::accepts("stage.json", [&] { return (manifest = store::read_manifest(folder)).has_value(); });
    if (!manifest) { return 0; }
    fuzz::accepts("", [&] {
        store::verify_files(folder, *manifest);
        return true;
    });
    store::write_manifest(folder, *manifest);
    auto const again = store::read_manifest(folder);
    fuzz::require(again && again->kind == manifest->kind && again->files == manifest->files &&
                      again->metrics.size() == manifest->metrics.size(),
                  "a manifest that was written does not read back");
    return 0;
}
