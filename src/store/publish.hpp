// SPDX-License-Identifier: Apache-2.0
// Files that appear whole or not at all: temporary name, fsync, rename, fsync of the folder. A kill -9 or a full disk
// at any moment leaves the old file, or none, under the final name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace alignsweep::store {

// Replaces `file` by `bytes`. Throws IoError (file, reason of the system) and removes the temporary on failure.
void publish_bytes(std::filesystem::path const& file, std::span<std::byte const> bytes);

// The same for text (manifests, effective configurations).
void write_text_atomically(std::filesystem::path const& file, std::string_view text);

// Removes temporaries that killed processes left in `folder`. Only for a folder that no other process writes to.
void remove_temporaries(std::filesystem::path const& folder);

}  // namespace alignsweep::store
