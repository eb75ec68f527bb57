// SPDX-License-Identifier: Apache-2.0
#include "core/digest.hpp"

#include "core/error.hpp"

#include <xxhash.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <vector>

namespace alignsweep::core {

void Digest::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

Digest::Digest() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }

Digest& Digest::update(void const* data, std::size_t bytes) {
    if (bytes > 0) { XXH3_128bits_update(state_.get(), data, bytes); }
    return *this;
}

std::string Digest::hex() const {
    XXH128_hash_t const hash = XXH3_128bits_digest(state_.get());
    std::array<char, 33> text{};
    std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                  static_cast<unsigned long long>(hash.low64));
    return text.data();
}

std::string digest_of(std::string_view text) { return Digest().update(text).hex(); }

std::string digest_of_file(std::filesystem::path const& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) { throw IoError(file.string(), ": can't be read"); }
    Digest digest;
    std::vector<char> block(1 << 20);
    while (in) {
        in.read(block.data(), static_cast<std::streamsize>(block.size()));
        digest.update(block.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) { throw IoError(file.string(), ": reading failed"); }
    return digest.hex();
}

}  // namespace alignsweep::core
