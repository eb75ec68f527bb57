// SPDX-License-Identifier: Apache-2.0
#include "model/layout.hpp"

#include "core/error.hpp"

namespace alignsweep::model {

std::vector<std::int64_t> Tensor::dims() const {
    if (is_matrix) { return {rows, columns}; }
    return {columns};
}

std::int64_t Layout::add(std::string const& name, int rows, int columns, bool is_matrix, bool align) {
    constexpr std::int64_t alignment = 16;  // elements; a whole cache line of floats
    if (align) { size_ = (size_ + alignment - 1) / alignment * alignment; }
    std::int64_t const offset = size_;
    tensors_.push_back({name, rows, columns, offset, is_matrix});
    size_ += std::int64_t(rows) * columns;
    return offset;
}

Layout::Layout(Shape const& shape) {
    int const width = shape.width, kv_width = shape.kv_heads * shape.head_dim();
    embedding_ = add("model.embed_tokens.weight", shape.vocabulary, width, true, true);
    for (int i = 0; i < shape.depth; ++i) {
        std::string const prefix = core::concat("model.layers.", i, ".");
        Layer layer{};
        layer.qkv = add(prefix + "self_attn.q_proj.weight", width, width, true, true);
        add(prefix + "self_attn.k_proj.weight", kv_width, width, true, false);
        add(prefix + "self_attn.v_proj.weight", kv_width, width, true, false);
        layer.attention_out = add(prefix + "self_attn.o_proj.weight", width, width, true, true);
        layer.gate_up = add(prefix + "mlp.gate_proj.weight", shape.hidden, width, true, true);
        add(prefix + "mlp.up_proj.weight", shape.hidden, width, true, false);
        layer.down = add(prefix + "mlp.down_proj.weight", width, shape.hidden, true, true);
        layers_.push_back(layer);
    }
    lm_head_ = shape.tied ? embedding_ : add("lm_head.weight", shape.vocabulary, width, true, true);
    if (shape.scalar_head) { score_ = add("score.weight", 1, width, true, true); }
    matrix_size_ = size_;
    for (int i = 0; i < shape.depth; ++i) {
        std::string const prefix = core::concat("model.layers.", i, ".");
        layers_[static_cast<std::size_t>(i)].attention_norm =
            add(prefix + "input_layernorm.weight", 1, width, false, true);
        layers_[static_cast<std::size_t>(i)].mlp_norm =
            add(prefix + "post_attention_layernorm.weight", 1, width, false, true);
    }
    final_norm_ = add("model.norm.weight", 1, width, false, true);
}

std::int64_t Layout::parameter_count() const {
    std::int64_t count = 0;
    for (Tensor const& tensor : tensors_) { count += tensor.size(); }
    return count;
}

}  // namespace alignsweep::model
