// SPDX-License-Identifier: Apache-2.0
#include "score/score_file.hpp"

#include "core/error.hpp"
#include "core/version.hpp"

namespace alignsweep::score {

namespace {

constexpr char const* schema = "alignsweep.scores";
constexpr std::int64_t version = 1;

bool is_count(ScoreColumns::Column const& column) { return column.unit == "tokens" || column.path == "label"; }

}  // namespace

void check_scores_file(std::filesystem::path const& out) {
    std::filesystem::path const folder = out.has_parent_path() ? out.parent_path() : ".";
    if (!std::filesystem::is_directory(folder)) {
        throw core::IoError(core::concat(out.string(), ": can't be written: there is no folder ", folder.string()));
    }
    if (!std::filesystem::exists(out)) { return; }
    try {
        store::FileReader const existing(out, schema, version);
    } catch (core::IoError const&) {
        throw core::IoError(core::concat(out.string(), ": exists and is not a file of scores, so it is not replaced"));
    }
}

void write_scores(ScoreRequest const& request, ScoreRows const& rows, ScoreColumns const& scores) {
    store::FileWriter file(request.out, schema, version);
    auto const describe = [&](std::string const& path, std::string const& unit, std::string const& description) {
        file.set_attribute(path, "units", unit);
        file.set_attribute(path, "description", description);
    };
    file.write("/line", rows.lines);
    describe("/line", "1", "line of the data file on which the row begins, from 1");
    for (auto const& column : scores.columns) {
        std::string const path = "/" + column.path;
        if (is_count(column)) {
            file.write(path, std::vector<std::int64_t>(column.values.begin(), column.values.end()));
        } else {
            file.write(path, column.values);
        }
        describe(path, column.unit, column.description);
    }
    for (auto const& [name, value] : scores.attributes) { file.set_attribute("/", name, value); }
    auto const text = [&](char const* name, std::string const& value) { file.set_attribute("/", name, value); };
    text("method", request.method.name);
    text("policy", request.policy.string());
    if (!request.reference.empty()) { text("reference", request.reference.string()); }
    text("data", request.data.string());
    text("scalar", request.in_double ? "float64" : "float32");
    text("software", "alignsweep");
    text("softwareVersion", core::version());
    text("git_commit", core::git_commit());
    file.set_attribute("/", "rows_read", rows.counts.read);
    file.set_attribute("/", "rows_bad", rows.counts.bad);
    file.set_attribute("/", "rows_empty", rows.counts.empty);
    file.set_attribute("/", "rows_equal", rows.counts.equal);
    file.set_attribute("/", "rows_too_long", rows.counts.too_long);
    file.publish();
}

}  // namespace alignsweep::score
