// SPDX-License-Identifier: Apache-2.0
// Whole files of text, plain or compressed, and the documents in them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::data {

// All bytes of a file; a gzip file (known by its first two bytes, whatever its name) is unpacked. Throws IoError
// ("FILE: what is wrong") where it is missing, no regular file, unreadable or empty, or its gzip data are damaged or
// end too soon.
[[nodiscard]] std::string read_text(std::filesystem::path const& file);

// The documents of a text: what stands between blank lines (empty, or a carriage return alone). A document keeps its
// inner bytes, without the line ends around it; there are no empty ones.
[[nodiscard]] std::vector<std::string> split_documents(std::string_view text);

}  // namespace alignsweep::data
