// SPDX-License-Identifier: Apache-2.0
#include "data/token_rows.hpp"

#include "core/error.hpp"
#include "data/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace alignsweep::data {
namespace {

using Json = nlohmann::json;

// One line of the file, and how its errors read.
struct Line {
    std::string file;
    std::int64_t number;
    Json json;

    template <class... What>
    [[noreturn]] void fail(What const&... what) const {
        throw core::IoError(core::concat(file, ":", number, ": ", what...));
    }

    [[nodiscard]] TokenIds ids(char const* key, bool may_miss, std::int64_t vocabulary) const {
        auto const found = json.find(key);
        if (found == json.end() && may_miss) { return {}; }
        if (found == json.end()) { fail("key '", key, "' is missing; every row needs the same keys"); }
        if (!found->is_array()) {
            fail("key '", key, "' is of type ", found->type_name(), "; a list of ids is allowed");
        }
        TokenIds tokens;
        for (Json const& item : *found) {
            auto const id = item.is_number_integer() ? item.get<std::int64_t>() : -1;
            if (id < 0 || id >= vocabulary) {
                fail("key '", key, "' holds ", item.dump(-1, ' ', true).substr(0, 40), "; integers from 0 to ",
                     vocabulary - 1, " (the policy's vocabulary) are allowed");
            }
            tokens.push_back(static_cast<std::int32_t>(id));
        }
        return tokens;
    }
};

// Calls visit(line) for every line that is not blank, until it returns false.
template <class Visit>
std::int64_t for_each_line(std::filesystem::path const& file, Visit&& visit) {
    std::string const text = read_text(file);
    std::int64_t number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view const bytes = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), bytes.size() + 1));
        ++number;
        if (bytes.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos) { continue; }
        Line line{file.string(), number, {}};
        try {
            line.json = Json::parse(bytes);
        } catch (Json::parse_error const& error) {
            line.fail("not valid JSON at byte ", error.byte, " of the line; one JSON object a line is allowed");
        }
        if (!line.json.is_object()) {
            line.fail("the line is of type ", line.json.type_name(), "; an object is allowed");
        }
        if (!visit(line)) { break; }
    }
    return number;
}

TokenRow read_row(Line const& line, TokenRowKind kind, std::int64_t vocabulary) {
    TokenRow row;
    row.prompt = line.ids("prompt_ids", true, vocabulary);
    if (kind == TokenRowKind::pairs) {
        row.chosen = line.ids("chosen_ids", false, vocabulary);
        row.rejected = line.ids("rejected_ids", false, vocabulary);
        return row;
    }
    row.completion = line.ids("completion_ids", false, vocabulary);
    if (kind == TokenRowKind::thumbs) {
        row.mismatched = line.ids("KL_completion_ids", true, vocabulary);
        if (!line.json.contains("label") || !line.json["label"].is_boolean()) {
            line.fail("key 'label' is missing or no truth value; true or false is allowed");
        }
        row.label = line.json["label"].get<bool>();
    }
    return row;
}

}  // namespace

bool holds_token_ids(std::filesystem::path const& file) {
    bool found = false;
    for_each_line(file, [&](Line const& line) {
        for (auto const& [key, value] : line.json.items()) { found = found || key.ends_with("_ids"); }
        return false;
    });
    return found;
}

Rows<TokenRow> read_token_rows(std::filesystem::path const& file, TokenRowKind kind, std::int64_t vocabulary) {
    Rows<TokenRow> result;
    std::int64_t const lines = for_each_line(file, [&](Line const& line) {
        ++result.counts.rows;
        TokenRow row = read_row(line, kind, vocabulary);
        bool const pairs = kind == TokenRowKind::pairs;
        if (pairs ? row.chosen.empty() || row.rejected.empty() : row.completion.empty()) {
            ++result.counts.empty_completion;
        } else if (pairs && row.chosen == row.rejected) {
            ++result.counts.equal_answers;
        } else {
            if (!result.rows.empty() && row.mismatched.empty() != result.rows.front().mismatched.empty()) {
                line.fail("some rows have KL_completion_ids and others have not; all or none is allowed");
            }
            result.rows.push_back(std::move(row));
            result.lines.push_back(line.number);
        }
        return true;
    });
    if (result.rows.empty()) {
        throw core::IoError(core::concat(file.string(), ":", lines,
                                         ": the file ends without a usable row (rows: ", result.counts.rows,
                                         ", with an empty completion: ", result.counts.empty_completion,
                                         ", with equal answers: ", result.counts.equal_answers, ")"));
    }
    return result;
}

}  // namespace alignsweep::data
