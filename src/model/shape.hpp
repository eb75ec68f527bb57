// SPDX-License-Identifier: Apache-2.0
// The sizes of a model, and which heads it has.
#pragma once

namespace alignsweep::model {

struct Shape {
    int vocabulary, width, depth, heads, kv_heads, hidden, context;
    double rope_theta, norm_eps;
    bool tied;         // the LM head is the token embedding
    bool scalar_head;  // one more output: a reward or a value for each row

    [[nodiscard]] int head_dim() const { return width / heads; }
};

// From sizes that were checked: the configuration's (config::ModelConfig) or a file's (store::ModelSizes). A template,
// so that the model's units need not see either.
template <class Sizes>
Shape make_shape(Sizes const& sizes, int vocabulary, bool scalar_head) {
    auto const size = [](auto value) { return static_cast<int>(value); };
    return {vocabulary,           size(sizes.width),  size(sizes.depth),   size(sizes.heads),
            size(sizes.kv_heads), size(sizes.hidden), size(sizes.context), sizes.rope_theta,
            sizes.norm_eps,       sizes.tied,         scalar_head};
}

}  // namespace alignsweep::model
