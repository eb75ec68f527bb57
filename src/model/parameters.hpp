// SPDX-License-Identifier: Apache-2.0
// All parameters of a model in one flat buffer, with one list of named tensors that serves initialisation, optimiser,
// gradients, checkpoints and tests. Names are those of transformers' LlamaForCausalLM.
#pragma once

#include "kernels/types.hpp"
#include "model/shape.hpp"

#include <cstdint>
#include <span>
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

// A model's parameters on the device.
template <class ExecSpace, class Scalar>
struct Parameters {
    explicit Parameters(Shape const& shape_in)
        : shape(shape_in), layout(shape_in), values("alignsweep::model::parameters", layout.size()) {}

    Shape shape;
    Layout layout;
    kernels::Vector<ExecSpace, Scalar> values;
};

// A tensor, or several neighbours, of a flat buffer as a matrix.
template <class ExecSpace, class Scalar>
kernels::Matrix<ExecSpace, Scalar> as_matrix(kernels::Vector<ExecSpace, Scalar> const& flat, std::int64_t offset,
                                             int rows, int columns) {
    return kernels::Matrix<ExecSpace, Scalar>(flat.data() + offset, rows, columns);
}
template <class ExecSpace, class Scalar>
kernels::Vector<ExecSpace, Scalar> as_vector(kernels::Vector<ExecSpace, Scalar> const& flat, std::int64_t offset,
                                             std::int64_t size) {
    return kernels::Vector<ExecSpace, Scalar>(flat.data() + offset, size);
}

// Matrices ~ N(0, init_std^2), embeddings ~ N(0, embedding_init_std^2), norm weights 1, the scalar head
// N(0, 1 / (width + 1)) (methods: Stiennon et al., arXiv:2009.01325, appendix B.1). Each tensor has a stream of its
// own name, so one more head or layer changes no other tensor.
template <class ExecSpace, class Scalar>
void initialise(Parameters<ExecSpace, Scalar>& parameters, std::uint64_t seed, double init_std,
                double embedding_init_std);

// Copies the flat buffer to the host and back; sizes must agree.
template <class ExecSpace, class Scalar>
std::vector<Scalar> to_host(kernels::Vector<ExecSpace, Scalar> const& flat);
template <class ExecSpace, class Scalar>
void from_host(std::span<Scalar const> host, kernels::Vector<ExecSpace, Scalar> const& flat);

// Copies every tensor of `from` whose name `to` has, too (a reward model starts from a language model).
template <class ExecSpace, class Scalar>
void copy_shared_tensors(Parameters<ExecSpace, Scalar> const& from, Parameters<ExecSpace, Scalar>& to);

}  // namespace alignsweep::model
