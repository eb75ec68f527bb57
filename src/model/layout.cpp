// SPDX-License-Identifier: Apache-2.0
#include "model/layout.hpp"

#include "core/error.hpp"

#include <utility>

namespace alignsweep::model {

std::vector<std::int64_t> Tensor::dims() const {
    if (is_matrix) { return {rows, columns}; }
    return {columns};
}

Layout::Layout(Shape const& shape) : blocks_(static_cast<std::size_t>(shape.depth)) {
    // Neighbours, as (name, rows); the first of them starts a cache line of floats.
    using Parts = std::vector<std::pair<char const*, int>>;
    auto const add = [this](std::string const& prefix, Parts const& parts, int columns, bool is_matrix) {
        constexpr std::int64_t alignment = 16;
        size_ = (size_ + alignment - 1) / alignment * alignment;
        Place place{size_, 0, columns};
        for (auto const& [name, rows] : parts) {
            tensors_.push_back({{size_, rows, columns}, prefix + name + ".weight", is_matrix});
            place.rows += rows;
            size_ += tensors_.back().size();
        }
        return place;
    };
    auto const prefix = [](int layer) { return core::concat("model.layers.", layer, "."); };
    int const width = shape.width, hidden = shape.hidden, kv_width = shape.kv_heads * shape.head_dim();
    embedding_ = add("model.", {{"embed_tokens", shape.vocabulary}}, width, true);
    for (int i = 0; i < shape.depth; ++i) {
        Block& block = blocks_[static_cast<std::size_t>(i)];
        std::string const attention = prefix(i) + "self_attn.", mlp = prefix(i) + "mlp.";
        block.qkv = add(attention, {{"q_proj", width}, {"k_proj", kv_width}, {"v_proj", kv_width}}, width, true);
        block.attention_out = add(attention, {{"o_proj", width}}, width, true);
        block.gate_up = add(mlp, {{"gate_proj", hidden}, {"up_proj", hidden}}, width, true);
        block.down = add(mlp, {{"down_proj", width}}, hidden, true);
    }
    lm_head_ = shape.tied ? embedding_ : add("", {{"lm_head", shape.vocabulary}}, width, true);
    if (shape.scalar_head) { score_ = add("", {{"score", 1}}, width, true); }
    matrix_size_ = size_;
    for (int i = 0; i < shape.depth; ++i) {
        Block& block = blocks_[static_cast<std::size_t>(i)];
        block.attention_norm = add(prefix(i), {{"input_layernorm", 1}}, width, false);
        block.mlp_norm = add(prefix(i), {{"post_attention_layernorm", 1}}, width, false);
    }
    final_norm_ = add("model.", {{"norm", 1}}, width, false);
}

std::int64_t Layout::parameter_count() const {
    std::int64_t count = 0;
    for (Tensor const& tensor : tensors_) { count += tensor.size(); }
    return count;
}

}  // namespace alignsweep::model
