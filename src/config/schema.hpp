// SPDX-License-Identifier: Apache-2.0
// The sections that all kinds of stages share; each kind adds its own (stages/descriptor.hpp).
#pragma once

#include "config/config.hpp"
#include "config/method_sections.hpp"
#include "config/world_sections.hpp"

namespace alignsweep::config {

// [run]: how a run goes; never part of a key, since no bit depends on it.
struct RunConfig {
    double checkpoint_seconds = 30.0, metrics_seconds = 5.0;

    void fields(FieldVisitor& visit) {
        visit("checkpoint_seconds", checkpoint_seconds, non_negative, "time between checkpoints of a stage");
        visit("metrics_seconds", metrics_seconds, non_negative, "time between publications of metrics.h5");
    }
};

}  // namespace alignsweep::config
