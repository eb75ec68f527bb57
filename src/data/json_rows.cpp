// SPDX-License-Identifier: Apache-2.0
#include "data/json_rows.hpp"

#include "core/text.hpp"
#include "data/row_texts.hpp"

namespace alignsweep::data {
namespace {

constexpr std::int64_t named_bad_rows = 3;

core::Json parse(std::string_view text, std::int64_t line, std::string_view needs) {
    core::Json json;
    try {
        json = core::parse_json(text, "", line);
    } catch (core::IoError const& error) {
        std::string_view const what = error.what();
        JsonRow::fail(what.substr(core::concat(":", line, ": ").size()));
    }
    if (!json.is_object()) {
        JsonRow::fail("the row is of type ", json.type_name(), "; a JSON object with ", needs, " is allowed");
    }
    return json;
}

}  // namespace

core::Json const& JsonRow::at(char const* key) const {
    auto const found = object_.find(key);
    if (found == object_.end()) { fail("key '", key, "' is missing; a row needs ", needs_); }
    return *found;
}

bool JsonRow::flag(char const* key) const {
    core::Json const& json = at(key);
    if (!json.is_boolean()) { fail("key '", key, "' is of type ", json.type_name(), "; true or false is allowed"); }
    return json.get<bool>();
}

std::int64_t for_each_row(std::filesystem::path const& file, std::string_view needs, BadRows bad_rows,
                          ReadCounts& counts, std::function<bool(JsonRow const&, std::int64_t line)> const& visit) {
    RowTexts texts(file);
    while (auto const text = texts.next()) {
        ++counts.rows;
        ReadCounts const before = counts;
        try {
            if (!visit(JsonRow(parse(*text, texts.line(), needs), needs), texts.line())) { break; }
        } catch (JsonRow::Bad const& bad) {
            if (bad_rows == BadRows::error) { throw core::IoError(file.string(), ":", texts.line(), ": ", bad.what); }
            counts = before;
            ++counts.bad;
            if (counts.bad <= named_bad_rows) {
                counts.first_bad += core::concat(counts.bad > 1 ? ", " : "", "line ", texts.line(), " (",
                                                 core::excerpt(bad.what, 160), ")");
            }
        }
    }
    return texts.line();
}

std::string skipped_rows(std::filesystem::path const& file, ReadCounts const& counts) {
    if (counts.bad == 0) { return {}; }
    return core::message_line(core::concat(file.string(), ": ", counts.bad, counts.bad == 1 ? " row" : " rows",
                                           " skipped: ", counts.first_bad, counts.bad > named_bad_rows ? ", ..." : ""));
}

void fail_without_rows(std::filesystem::path const& file, std::int64_t line, std::string_view needs,
                       ReadCounts const& counts) {
    throw core::IoError(
        file.string(), ":", line, ": the file ends without a usable row (rows: ", counts.rows,
        ", with an empty completion: ", counts.empty_completion, ", with equal answers: ", counts.equal_answers,
        counts.bad == 0 ? ")" : core::concat(", bad: ", counts.bad, ", of which ", counts.first_bad, ")"),
        "; a row needs ", needs);
}

}  // namespace alignsweep::data
