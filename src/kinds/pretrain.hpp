// SPDX-License-Identifier: Apache-2.0
// The section of pretrain, whose windows of text rlhf mixes in as well.
#pragma once

#include "config/schema.hpp"

namespace alignsweep::kinds {

// [pretrain]
struct PretrainConfig {
    config::Int steps = 1600, batch = 16, length = 64;
    config::OptimizerConfig optimizer{.learning_rate = 4e-3, .weight_decay = 0.01};

    void fields(config::FieldVisitor& visit) {
        visit("steps", steps, {0, 1e8}, "optimiser steps");
        visit("batch", batch, {1, 1e6}, "sequences of a step");
        visit("length", length, {2, 65536}, "tokens of a sequence");
        optimizer.fields(visit);
    }
};

}  // namespace alignsweep::kinds
