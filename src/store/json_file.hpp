// SPDX-License-Identifier: Apache-2.0
// Whole JSON files. Include in .cpp files alone: the parser is long to compile.
#pragma once

#include "core/error.hpp"
#include "core/json.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace alignsweep::store {

// The object that a file holds. Throws IoError where it is missing, unreadable, no JSON or no object, or where it is
// longer than any configuration: the limit is the one that the safetensors library has for its header.
inline core::Json read_json_object(std::filesystem::path const& file) {
    constexpr std::uintmax_t longest = 100'000'000;
    std::error_code error;
    std::ifstream in(file, std::ios::binary);
    if (!in || !std::filesystem::is_regular_file(file, error)) {
        throw core::IoError(core::concat(file.string(), ": there is no such file, or it can't be opened"));
    }
    if (std::filesystem::file_size(file, error) > longest) {
        throw core::IoError(core::concat(file.string(), ": more than ", longest, " bytes, which are allowed"));
    }
    std::string const text{std::istreambuf_iterator<char>(in), {}};
    auto json = core::parse_json(text, file.string());
    if (json.is_object()) { return json; }
    throw core::IoError(core::concat(file.string(), ": of type ", json.type_name(), "; a JSON object is allowed"));
}

}  // namespace alignsweep::store
