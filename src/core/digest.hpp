// SPDX-License-Identifier: Apache-2.0
// 128-bit content digests (XXH3) as hex text: keys of stages, digests of files, weights and metrics.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace alignsweep::core {

// Incremental digest; the value depends on the bytes alone, not on how they were split.
class Digest {
public:
    Digest();
    Digest& update(void const* data, std::size_t bytes);
    Digest& update(std::string_view text) { return update(text.data(), text.size()); }
    template <class T>
    Digest& update(std::span<T const> values) {
        return update(values.data(), values.size_bytes());
    }
    // 32 hex digits.
    [[nodiscard]] std::string hex() const;

private:
    struct Free {
        void operator()(XXH3_state_s* state) const;
    };
    std::unique_ptr<XXH3_state_s, Free> state_;
};

[[nodiscard]] std::string digest_of(std::string_view text);
// Throws IoError where the file can't be read.
[[nodiscard]] std::string digest_of_file(std::filesystem::path const& file);

}  // namespace alignsweep::core
