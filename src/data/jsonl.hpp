// SPDX-License-Identifier: Apache-2.0
// Rows in JSON in the formats of Hugging Face TRL; further keys are ignored; .gz is accepted. A file is JSONL, objects
// over lines or an array of rows (data/row_texts.hpp). A value is a text, or a conversation: a list of messages, each
// {"role": "system" | "developer" | "user" | "assistant" | "tool", "content": text}, rendered by data/chat.hpp. A
// content may be a list of {"type": "text", "text": text}, which is one text. A message that calls tools is an error,
// as its calls have no text here; descriptions under "tools" are ignored. The values of one row are of one kind.
// Rows whose completion (or one answer) is empty or whitespace alone, or whose two answers are equal, are dropped and
// counted. Everything else that is wrong with a row throws IoError, one line: "FILE:LINE: what, what is allowed"; or,
// with BadRows::skip, leaves the row out and counts it. What is wrong with the file throws IoError in any case; so does
// a file without a usable row.
// Source: TRL, docs/source/dataset_formats.md (prompt-completion, preference, unpaired preference, language modeling).
#pragma once

#include "config/schema.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace alignsweep::data {

struct Completion {
    std::string prompt, completion;
    bool operator==(Completion const&) const = default;
};

struct Preference {
    std::string prompt, chosen, rejected;
    bool operator==(Preference const&) const = default;
};

struct Thumb {
    std::string prompt, completion;
    bool label = false;  // true: desirable
    bool operator==(Thumb const&) const = default;
};

// What becomes of a bad row (data.bad_rows).
using config::BadRows;

// Of one file; a row is counted under at most one reason (an empty answer before equal ones).
struct ReadCounts {
    std::int64_t rows = 0;              // all rows: those kept, those dropped and those skipped
    std::int64_t empty_completion = 0;  // dropped
    std::int64_t equal_answers = 0;     // dropped
    std::int64_t conversational = 0;    // rows of conversations, rendered by data/chat.hpp
    std::int64_t bad = 0;               // skipped
    std::string first_bad;              // "line 4 (what is wrong), line 9 (...)", of at most three
};

// "FILE: 4 rows skipped: line 4 (what is wrong), ..."; empty where there are none.
[[nodiscard]] std::string skipped_rows(std::filesystem::path const& file, ReadCounts const& counts);

template <class Row>
struct Rows {
    std::vector<Row> rows;            // in the file's order
    std::vector<std::int64_t> lines;  // on which each begins, from 1
    ReadCounts counts;
};

// Rows of "prompt" and "completion", or of "messages" alone (also beside a "prompt"): their last message of the
// assistant is the completion, and what stands before it the prompt; what follows it is left out. TRL trains on all of
// "messages" unless assistant_only_loss is set.
[[nodiscard]] Rows<Completion> read_completions(std::filesystem::path const& file, BadRows bad_rows = BadRows::error);

// Rows of "prompt", "chosen" and "rejected", or of "chosen" and "rejected" that share their beginning, which becomes
// the prompt (shared_prompt and shared_messages of data/chat.hpp), also where the prompt is null. As in TRL, a text
// under "prompt" beside answers that are conversations is ignored: such files hold the prompt in both answers as well.
[[nodiscard]] Rows<Preference> read_preferences(std::filesystem::path const& file, BadRows bad_rows = BadRows::error);

// Rows of "prompt", "completion" and "label"; a label is true or false, nothing else (a 0/1 column may mean a class).
[[nodiscard]] Rows<Thumb> read_thumbs(std::filesystem::path const& file, BadRows bad_rows = BadRows::error);

}  // namespace alignsweep::data
