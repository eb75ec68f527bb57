// SPDX-License-Identifier: Apache-2.0
// The sizes of a model, and which heads it has.
#pragma once

#include "config/schema.hpp"

namespace alignsweep::model {

struct Shape {
    int vocabulary, width, depth, heads, kv_heads, hidden, context;
    double rope_theta, norm_eps;
    bool tied;         // the LM head is the token embedding
    bool scalar_head;  // one more output: a reward or a value for each row

    [[nodiscard]] int head_dim() const { return width / heads; }
};

inline Shape make_shape(config::ModelConfig const& config, int vocabulary, bool scalar_head) {
    return {vocabulary,
            static_cast<int>(config.width),
            static_cast<int>(config.depth),
            static_cast<int>(config.heads),
            static_cast<int>(config.kv_heads),
            static_cast<int>(config.hidden),
            static_cast<int>(config.context),
            config.rope_theta,
            config.norm_eps,
            config.tied,
            scalar_head};
}

}  // namespace alignsweep::model
