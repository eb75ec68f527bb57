// SPDX-License-Identifier: Apache-2.0
#include "sources/check_data.hpp"
#include "core/log.hpp"
#include "data/jsonl.hpp"
#include "data/text.hpp"

namespace alignsweep::sources {

void check_data(config::DataConfig const& data) {
    auto const check = [&](std::string const& file, auto const& read) {
        if (file.empty()) { return; }
        std::string const skipped = data::skipped_rows(file, read(file, data.bad_rows).counts);
        if (!skipped.empty()) { core::log_warning(skipped); }
    };
    if (!data.corpus.empty()) { static_cast<void>(data::read_text(data.corpus)); }
    check(data.sft, data::read_completions);
    check(data.preferences, data::read_preferences);
    check(data.thumbs, data::read_thumbs);
}

}  // namespace alignsweep::sources
