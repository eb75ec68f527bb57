// SPDX-License-Identifier: Apache-2.0
#include "data/jsonl.hpp"
#include "data/text.hpp"
#include "stages/stage.hpp"

namespace alignsweep::stages {

void check_data(config::DataConfig const& data) {
    if (!data.corpus.empty()) { static_cast<void>(data::read_text(data.corpus)); }
    if (!data.sft.empty()) { static_cast<void>(data::read_completions(data.sft)); }
    if (!data.preferences.empty()) { static_cast<void>(data::read_preferences(data.preferences)); }
    if (!data.thumbs.empty()) { static_cast<void>(data::read_thumbs(data.thumbs)); }
}

}  // namespace alignsweep::stages
