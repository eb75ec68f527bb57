// SPDX-License-Identifier: Apache-2.0
// Where the tensors of a model lie in its flat buffer: one list of named tensors that serves initialisation, optimiser,
// gradients, checkpoints and tests. Names are those of transformers' LlamaForCausalLM.
#pragma once

#include "model/shape.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace alignsweep::model {

// Where a tensor lies, or several that are neighbours; a vector has one row.
struct Place {
    std::int64_t offset = 0;  // of its first element in the flat buffer
    int rows = 0, columns = 0;

    [[nodiscard]] std::int64_t size() const { return std::int64_t(rows) * columns; }
};

struct Tensor : Place {
    std::string name;
    bool is_matrix;  // matrices decay, vectors (norm weights) do not

    // [rows, columns], or [columns] for a vector.
    [[nodiscard]] std::vector<std::int64_t> dims() const;
};

// The tensors of one layer. Query, key and value projections are neighbours, so that they are one matrix product; so
// are gate and up: qkv is [(heads + 2 kv_heads) D, width], gate_up is [2 hidden, width].
struct Block {
    Place qkv, attention_out, gate_up, down, attention_norm, mlp_norm;
};

// Where each tensor of a shape lies. Matrices stand first.
class Layout {
public:
    explicit Layout(Shape const& shape);

    [[nodiscard]] std::vector<Tensor> const& tensors() const { return tensors_; }
    [[nodiscard]] Block const& block(int layer) const { return blocks_[static_cast<std::size_t>(layer)]; }
    [[nodiscard]] Place const& embedding() const { return embedding_; }
    [[nodiscard]] Place const& lm_head() const { return lm_head_; }
    [[nodiscard]] Place const& score() const { return score_; }  // empty without scalar head
    [[nodiscard]] Place const& final_norm() const { return final_norm_; }
    // Elements of the flat buffer, and how many of them (the first) are matrices.
    [[nodiscard]] std::int64_t size() const { return size_; }
    [[nodiscard]] std::int64_t matrix_size() const { return matrix_size_; }
    // Elements of the tensors (without padding).
    [[nodiscard]] std::int64_t parameter_count() const;

private:
    std::vector<Tensor> tensors_;
    std::vector<Block> blocks_;
    Place embedding_, lm_head_, score_, final_norm_;
    std::int64_t size_ = 0, matrix_size_ = 0;
};

}  // namespace alignsweep::model
