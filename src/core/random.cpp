// SPDX-License-Identifier: Apache-2.0
#include "core/random.hpp"

#include <xxhash.h>

namespace alignsweep::core {

RandomStream::RandomStream(std::uint64_t seed, std::string_view purpose) {
    std::uint64_t const key = XXH3_64bits_withSeed(purpose.data(), purpose.size(), seed);
    low_ = static_cast<std::uint32_t>(key);
    high_ = static_cast<std::uint32_t>(key >> 32);
}

}  // namespace alignsweep::core
