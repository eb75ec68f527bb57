// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/world_sections.hpp"

namespace alignsweep::sources {

// Reads every data file that the section names, so that a malformed one is seen before any stage runs, and says which
// rows data.bad_rows = skip leaves out. Throws IoError.
void check_data(config::DataConfig const& data);

}  // namespace alignsweep::sources
