// SPDX-License-Identifier: Apache-2.0
// Safetensors: an input that begins with '{' is a header with the right length before it and, after a NUL, the data;
// it is also model.safetensors.index.json beside a valid file. Any other input is the file itself.
#include "fuzz/fuzz.hpp"
#include "store/safetensors.hpp"

#include <cstring>

using namespace alignsweep;

namespace {

std::string with_length(std::string_view header, std::string_view data) {
    std::uint64_t const length = header.size();
    std::string file(sizeof(length), '\0');
    std::memcpy(file.data(), &length, sizeof(length));
    return file.append(header).append(data);
}

void read_all(store::SafetensorsFile const& file) {
    for (auto const& [name, tensor] : file.tensors()) {
        fuzz::accepts(fuzz::scratch().string(), [&, key = name] { return file.read<float>(key); });
        fuzz::accepts(fuzz::scratch().string(), [&, key = name] { return file.read<double>(key); });
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const all = fuzz::text_of(data, size);
    std::string made(all);
    bool const is_header = all.starts_with('{');
    if (is_header) {
        std::size_t const end = std::min(all.find('\0'), all.size());
        made = with_length(all.substr(0, end), all.substr(std::min(end + 1, all.size())));
    }
    auto const file = fuzz::write_file("model.safetensors", made);
    fuzz::accepts("model.safetensors", [&] {
        read_all(store::SafetensorsFile(file));
        return true;
    });
    fuzz::accepts(fuzz::scratch().string(), [&] { return store::SafetensorsFolder(fuzz::scratch()); });
    if (is_header) {
        std::filesystem::remove(file);
        fuzz::write_file("a.safetensors",
                         with_length(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "\1\2\3\4"));
        fuzz::write_file("model.safetensors.index.json", all);
        fuzz::accepts(fuzz::scratch().string(), [&] { return store::SafetensorsFolder(fuzz::scratch()); });
        std::filesystem::remove(fuzz::scratch() / "model.safetensors.index.json");
    }
    return 0;
}
