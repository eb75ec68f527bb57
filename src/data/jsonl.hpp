// SPDX-License-Identifier: Apache-2.0
// JSONL data in the formats of Hugging Face TRL: one object a line; further keys are ignored, blank lines skipped; .gz
// is accepted. A value is a text, or a conversation: a list of {"role": "system" | "user" | "assistant", "content":
// text}, rendered by data/chat.hpp. The values of one row are of one kind.
// Rows whose completion (or one answer) is empty or whitespace alone, or whose two answers are equal, are dropped and
// counted. Everything else that is wrong throws IoError, one line: "FILE:LINE: what, what is allowed"; so does a file
// without a usable row.
// Source: TRL, docs/source/dataset_formats.md (prompt-completion, preference, unpaired preference).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
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

// Of one file; a row is counted under at most one reason (an empty answer before equal ones).
struct ReadCounts {
    std::int64_t rows = 0;              // all rows: those kept and those dropped
    std::int64_t empty_completion = 0;  // dropped
    std::int64_t equal_answers = 0;     // dropped
    std::int64_t conversational = 0;    // rows of conversations, rendered by data/chat.hpp
};

template <class Row>
struct Rows {
    std::vector<Row> rows;            // in the file's order
    std::vector<std::int64_t> lines;  // where each stands, from 1
    ReadCounts counts;
};

// Rows of "prompt" and "completion".
[[nodiscard]] Rows<Completion> read_completions(std::filesystem::path const& file);

// Rows of "prompt", "chosen" and "rejected", or of "chosen" and "rejected" that share their beginning, which becomes
// the prompt (shared_prompt and shared_messages of data/chat.hpp). As in TRL, a text under "prompt" beside answers that
// are conversations is ignored: such files hold the prompt in both answers as well.
[[nodiscard]] Rows<Preference> read_preferences(std::filesystem::path const& file);

// Rows of "prompt", "completion" and "label"; a label is true or false, nothing else (a 0/1 column may mean a class).
[[nodiscard]] Rows<Thumb> read_thumbs(std::filesystem::path const& file);

}  // namespace alignsweep::data
