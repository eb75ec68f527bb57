// SPDX-License-Identifier: Apache-2.0
// Where the tensors of a model lie in its flat buffer: one list of named tensors that serves initialisation, optimiser,
// gradients, checkpoints and tests. Names are those of transformers' LlamaForCausalLM.
#pragma once

#include "model/shape.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace alignsweep::model {

struct Tensor {
    std::string name;
    int rows, columns;    // a vector has one row
    std::int64_t offset;  // of its first element in the flat buffer
    bool is_matrix;       // matrices decay, vectors (norm weights) do not

    [[nodiscard]] std::int64_t size() const { return std::int64_t(rows) * columns; }
    // [rows, columns], or [columns] for a vector.
    [[nodiscard]] std::vector<std::int64_t> dims() const;
};

// Where each tensor of a shape lies. Query, key and value projections are neighbours, so that they are one matrix
// product; so are gate and up. Matrices stand first.
class Layout {
public:
    explicit Layout(Shape const& shape);

    // Offsets of one layer's tensors: qkv is [(heads + 2 kv_heads) D, width], gate_up is [2 hidden, width].
    struct Layer {
        std::int64_t qkv, attention_out, gate_up, down, attention_norm, mlp_norm;
    };

    [[nodiscard]] std::vector<Tensor> const& tensors() const { return tensors_; }
    [[nodiscard]] Layer const& layer(int i) const { return layers_[static_cast<std::size_t>(i)]; }
    [[nodiscard]] std::int64_t embedding() const { return embedding_; }
    [[nodiscard]] std::int64_t lm_head() const { return lm_head_; }
    [[nodiscard]] std::int64_t score() const { return score_; }
    [[nodiscard]] std::int64_t final_norm() const { return final_norm_; }
    // Elements of the flat buffer, and how many of them (the first) are matrices.
    [[nodiscard]] std::int64_t size() const { return size_; }
    [[nodiscard]] std::int64_t matrix_size() const { return matrix_size_; }
    // Elements of the tensors (without padding).
    [[nodiscard]] std::int64_t parameter_count() const;

private:
    std::int64_t add(std::string const& name, int rows, int columns, bool is_matrix, bool align);

    std::vector<Tensor> tensors_;
    std::vector<Layer> layers_;
    std::int64_t embedding_ = 0, lm_head_ = 0, score_ = -1, final_norm_ = 0, size_ = 0, matrix_size_ = 0;
};

}  // namespace alignsweep::model
