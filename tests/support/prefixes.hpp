// SPDX-License-Identifier: Apache-2.0
// Reads the file of a token_values stage, which the program writes for others alone.
#pragma once

#include "stages/artifacts.hpp"
#include "stages/data_file.hpp"

namespace alignsweep::stages {

inline PrefixData load_prefixes(std::filesystem::path const& folder) {
    DataFile const file(folder);
    auto beginnings = file.examples("/beginnings");
    std::size_t const rows = beginnings.size();
    PrefixData prefixes{std::move(beginnings), file.column<std::int64_t>("/beginnings/number", rows),
                        file.column<std::int64_t>("/beginnings/finished", rows),
                        file.indices("/beginnings/previous", rows, rows, -1),
                        file.column<double>("/beginnings/weight", rows)};
    auto const columns = [&](std::string const& group, std::map<std::string, std::vector<double>>& values) {
        for (auto const& name : file.reader().list(group)) {
            values[name] = file.column<double>(group + "/" + name, rows);
        }
    };
    columns("/estimates", prefixes.estimates);
    columns("/exact", prefixes.exact);
    prefixes.facts = file.reader().attributes("/beginnings");
    return prefixes;
}

}  // namespace alignsweep::stages
