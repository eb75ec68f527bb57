// SPDX-License-Identifier: Apache-2.0
// A pair of answers to one prompt with a label, and single answers with a thumb.
#pragma once

#include "data/batch.hpp"

#include <vector>

namespace alignsweep::losses {

struct Pair {
    data::Example chosen, rejected;
    double chosen_reference = 0.0, rejected_reference = 0.0;  // summed log-probability under the SFT model, nats
    double probability = 1.0;  // that `chosen` is the better one: below 1 for soft labels
};

struct Thumb {
    data::Example example;
    bool desirable = true;
    double reference = 0.0;    // of example, nats
    data::Example mismatched;  // this prompt with the completion of another prompt's example, drawn once
    double mismatched_reference = 0.0;
};

}  // namespace alignsweep::losses
