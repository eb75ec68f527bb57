// SPDX-License-Identifier: Apache-2.0
// What all readers of rows share: a row as an object, how its errors read, and what becomes of a bad one. Include in
// .cpp files alone (core/json.hpp).
#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "data/jsonl.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace alignsweep::data {

// One row: a JSON object.
class JsonRow {
public:
    JsonRow(core::Json object, std::string_view needs) : object_(std::move(object)), needs_(needs) {}

    // Says that the row is bad. What for_each_row makes of it is for data.bad_rows to say.
    struct Bad {
        std::string what;
    };
    template <class... What>
    [[noreturn]] static void fail(What const&... what) {
        throw Bad{core::concat(what...)};
    }

    [[nodiscard]] core::Json const& object() const { return object_; }
    // Whether the row has the key; columns that are filled up hold null where a row has nothing.
    [[nodiscard]] bool has(char const* key) const {
        auto const found = object_.find(key);
        return found != object_.end() && !found->is_null();
    }
    [[nodiscard]] core::Json const& at(char const* key) const;
    [[nodiscard]] bool flag(char const* key) const;

private:
    core::Json object_;
    std::string_view needs_;  // for messages: which keys a row has
};

// The rows of a file, in the order of the file (row_texts.hpp says which layouts are read). `visit` counts what it
// drops, and returns false to end the reading. Bad rows, be they no JSON objects or called bad by visit, throw IoError
// "FILE:LINE: what"; with BadRows::skip they are counted, and visit's counts of them undone. Returns the last line.
std::int64_t for_each_row(std::filesystem::path const& file, std::string_view needs, BadRows bad_rows,
                          ReadCounts& counts, std::function<bool(JsonRow const&, std::int64_t line)> const& visit);

// For a file of which no row is left.
[[noreturn]] void fail_without_rows(std::filesystem::path const& file, std::int64_t line, std::string_view needs,
                                    ReadCounts const& counts);

// All rows of a file. `read` gives a row, or nothing where it drops and counts it. Throws IoError where none is left.
template <class Row, class Read>
Rows<Row> collect_rows(std::filesystem::path const& file, std::string_view needs, BadRows bad_rows, Read&& read) {
    Rows<Row> result;
    std::int64_t const last = for_each_row(file, needs, bad_rows, result.counts, [&](JsonRow const& row, auto line) {
        if (std::optional<Row> kept = read(row, result.counts)) {
            result.rows.push_back(std::move(*kept));
            result.lines.push_back(line);
        }
        return true;
    });
    if (result.rows.empty()) { fail_without_rows(file, last, needs, result.counts); }
    return result;
}

}  // namespace alignsweep::data
