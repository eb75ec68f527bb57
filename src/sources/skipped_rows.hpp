// SPDX-License-Identifier: Apache-2.0
// What a stage says about the rows that data.bad_rows = skip left out.
#pragma once

#include "core/log.hpp"
#include "data/jsonl.hpp"
#include "stages/context.hpp"

#include <string>

namespace alignsweep::sources {

// Adds them to the metric <kind>/bad_rows, which is there with `skip` alone, and names them in the stage's log
// (check_data has named them to the user).
inline void count_skipped_rows(stages::Context& context, std::string const& file, data::ReadCounts const& counts) {
    if (context.get(&config::DataConfig::bad_rows) == config::BadRows::error) { return; }
    context.result.metrics[context.kind() + "/bad_rows"] += static_cast<double>(counts.bad);
    if (counts.bad > 0) { core::log_detail(data::skipped_rows(file, counts)); }
}

}  // namespace alignsweep::sources
