// SPDX-License-Identifier: Apache-2.0
// Whole JSON files. Include in .cpp files alone: the parser is long to compile.
#pragma once

#include "core/error.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace alignsweep::store {

// The object that a file holds. Throws IoError where it is missing, unreadable, no JSON or no object.
inline nlohmann::json read_json_object(std::filesystem::path const& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in || !std::filesystem::is_regular_file(file)) {
        throw core::IoError(core::concat(file.string(), ": there is no such file, or it can't be opened"));
    }
    try {
        auto json = nlohmann::json::parse(in);
        if (json.is_object()) { return json; }
        throw core::IoError(core::concat(file.string(), ": of type ", json.type_name(), "; a JSON object is allowed"));
    } catch (nlohmann::json::parse_error const& error) {
        throw core::IoError(core::concat(file.string(), ": not valid JSON at byte ", error.byte));
    }
}

}  // namespace alignsweep::store
