// SPDX-License-Identifier: Apache-2.0
// Whole JSON files. Include in .cpp files alone: the parser is long to compile.
#pragma once

#include "core/error.hpp"
#include "core/json.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace alignsweep::store {

// A configuration or an index of tensors is a thousandth of this; a larger file is something else.
inline constexpr std::uintmax_t longest_json_file = 100'000'000;

// The object that a file holds. Throws IoError where it is missing, unreadable, too large, no JSON or no object.
inline core::Json read_json_object(std::filesystem::path const& file) {
    std::error_code error;
    std::ifstream in;  // opened only after the look: a pipe would wait for its writer
    if (std::filesystem::is_regular_file(file, error)) { in.open(file, std::ios::binary); }
    if (!in.is_open()) {
        throw core::IoError(core::concat(file.string(), ": there is no such file, or it can't be opened"));
    }
    std::uintmax_t const size = std::filesystem::file_size(file, error);
    if (error || size > longest_json_file) {
        throw core::IoError(core::concat(file.string(), ": of ", size, " bytes; at most ", longest_json_file,
                                         " bytes of JSON are allowed"));
    }
    std::string text(static_cast<std::size_t>(size), '\0');
    in.read(text.data(), static_cast<std::streamsize>(size));
    if (!in) { throw core::IoError(core::concat(file.string(), ": can't be read to its end")); }
    core::Json json = core::parse_json(text, file.string());
    if (json.is_object()) { return json; }
    throw core::IoError(core::concat(file.string(), ": of type ", json.type_name(), "; a JSON object is allowed"));
}

}  // namespace alignsweep::store
