// SPDX-License-Identifier: Apache-2.0
// Plain-text tables for the terminal.
#pragma once

#include "store/sweep_file.hpp"

#include <string>
#include <vector>

namespace alignsweep::cli {

// Columns padded to their widest cell; the first row is the head. A row of one cell is a remark of any length.
[[nodiscard]] std::string format_table(std::vector<std::vector<std::string>> const& rows);
// One row a trial: method, seed, axes, status, the main metrics.
[[nodiscard]] std::string trials_table(std::vector<store::TrialRow> const& rows);
// A number with three significant digits ("0.0412", "4.07", "1.2e+07"), "-" for NaN.
[[nodiscard]] std::string short_number(double value);

}  // namespace alignsweep::cli
