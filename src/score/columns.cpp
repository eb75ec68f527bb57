// SPDX-License-Identifier: Apache-2.0
#include "score/columns.hpp"

#include "core/error.hpp"
#include "core/machine.hpp"

namespace alignsweep::score {

void check_out(std::filesystem::path const& out, Format const& format) {
    std::filesystem::path const folder = out.has_parent_path() ? out.parent_path() : ".";
    if (!std::filesystem::is_directory(folder)) {
        throw core::IoError(out.string(), ": can't be written: there is no folder ", folder.string());
    }
    if (!std::filesystem::exists(out)) { return; }
    try {
        store::FileReader const existing(out, format.schema, format.version);
    } catch (core::IoError const&) {
        throw core::IoError(out.string(), ": exists and is not ", format.name, ", so it is not replaced");
    }
}

void describe(store::FileWriter& file, std::string const& path, std::string const& unit,
              std::string const& description) {
    file.set_attribute(path, "units", unit);
    file.set_attribute(path, "description", description);
}

void write_columns(store::FileWriter& file, std::filesystem::path const& data, std::vector<std::int64_t> const& lines,
                   Columns const& columns) {
    file.write("/line", lines);
    describe(file, "/line", "1", "line of the data file on which the row begins, from 1");
    for (auto const& column : columns.columns) {
        std::string const path = "/" + column.path;
        if (column.whole) {
            file.write(path, std::vector<std::int64_t>(column.values.begin(), column.values.end()));
        } else {
            file.write(path, column.values);
        }
        describe(file, path, column.unit, column.description);
    }
    for (auto const& [name, value] : columns.attributes) { file.set_attribute("/", name, value); }
    file.set_attribute("/", "data", data.string());
    file.set_attribute("/", "software", "alignsweep");
    file.set_attribute("/", "softwareVersion", core::version());
    file.set_attribute("/", "git_commit", core::git_commit());
}

}  // namespace alignsweep::score
