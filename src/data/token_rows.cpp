// SPDX-License-Identifier: Apache-2.0
#include "data/token_rows.hpp"

#include "data/json_rows.hpp"

#include <array>
#include <optional>

namespace alignsweep::data {
namespace {

TokenIds read_ids(JsonRow const& row, char const* key, std::int64_t vocabulary) {
    core::Json const& list = row.at(key);
    if (!list.is_array()) {
        JsonRow::fail("key '", key, "' is of type ", list.type_name(), "; a list of ids is allowed");
    }
    TokenIds tokens;
    tokens.reserve(list.size());
    for (core::Json const& item : list) {
        // An unsigned number beyond 2^63 turns negative.
        auto const id = item.is_number_integer() ? item.get<std::int64_t>() : -1;
        if (id < 0 || id >= vocabulary) {
            JsonRow::fail("key '", key, "' holds ", core::shown(item, 40), "; integers from 0 to ", vocabulary - 1,
                          " (the policy's vocabulary) are allowed");
        }
        tokens.push_back(static_cast<std::int32_t>(id));
    }
    return tokens;
}

TokenIds read_ids_if_any(JsonRow const& row, char const* key, std::int64_t vocabulary) {
    return row.has(key) ? read_ids(row, key, vocabulary) : TokenIds();
}

TokenRow read_row(JsonRow const& row, TokenRowKind kind, std::int64_t vocabulary) {
    TokenRow ids;
    ids.prompt = read_ids_if_any(row, "prompt_ids", vocabulary);
    if (kind == TokenRowKind::pairs) {
        ids.chosen = read_ids(row, "chosen_ids", vocabulary);
        ids.rejected = read_ids(row, "rejected_ids", vocabulary);
        return ids;
    }
    ids.completion = read_ids(row, "completion_ids", vocabulary);
    if (kind == TokenRowKind::thumbs) {
        ids.mismatched = read_ids_if_any(row, "KL_completion_ids", vocabulary);
        ids.label = row.flag("label");
    }
    return ids;
}

// What a row of each TokenRowKind needs.
constexpr std::array needed{"'chosen_ids' and 'rejected_ids'", "'completion_ids' and 'label'", "'completion_ids'"};

}  // namespace

bool holds_token_ids(std::filesystem::path const& file, BadRows bad_rows) {
    bool found = false;
    ReadCounts counts;
    for_each_row(file, "texts or token ids", bad_rows, counts, [&](JsonRow const& row, std::int64_t) {
        for (auto const& [key, value] : row.object().items()) { found = found || key.ends_with("_ids"); }
        return false;
    });
    return found;
}

Rows<TokenRow> read_token_rows(std::filesystem::path const& file, TokenRowKind kind, std::int64_t vocabulary,
                               BadRows bad_rows) {
    std::optional<bool> has_mismatched;  // of the rows so far
    return collect_rows<TokenRow>(
        file, needed[static_cast<std::size_t>(kind)], bad_rows,
        [&](JsonRow const& row, ReadCounts& counts) -> std::optional<TokenRow> {
            TokenRow ids = read_row(row, kind, vocabulary);
            bool const pairs = kind == TokenRowKind::pairs;
            if (pairs ? ids.chosen.empty() || ids.rejected.empty() : ids.completion.empty()) {
                ++counts.empty_completion;
                return std::nullopt;
            }
            if (pairs && ids.chosen == ids.rejected) {
                ++counts.equal_answers;
                return std::nullopt;
            }
            bool const has = !ids.mismatched.empty();
            if (has != has_mismatched.value_or(has)) {
                JsonRow::fail("some rows have KL_completion_ids and others have not; all or none is allowed");
            }
            has_mismatched = has;
            return ids;
        });
}

}  // namespace alignsweep::data
