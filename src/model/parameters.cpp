// SPDX-License-Identifier: Apache-2.0
#include "model/parameters.hpp"

#include "core/error.hpp"
#include "core/random.hpp"

#include <cmath>

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

template <class ExecSpace, class Scalar>
void initialise(Parameters<ExecSpace, Scalar>& parameters, std::uint64_t seed, double init_std,
                double embedding_init_std) {
    auto host = Kokkos::create_mirror_view(parameters.values);
    Kokkos::deep_copy(host, Scalar(0));
    for (Tensor const& tensor : parameters.layout.tensors()) {
        core::RandomStream const stream(seed, "model/" + tensor.name);
        double deviation = init_std;
        if (tensor.name == "model.embed_tokens.weight") { deviation = embedding_init_std; }
        if (tensor.name == "score.weight") { deviation = std::sqrt(1.0 / (parameters.shape.width + 1)); }
        for (int row = 0; row < tensor.rows; ++row) {
            core::Draws draws(stream, 0, static_cast<std::uint32_t>(row));
            for (int column = 0; column < tensor.columns; ++column) {
                double const value = tensor.is_matrix ? deviation * draws.normal() : 1.0;
                host(tensor.offset + std::int64_t(row) * tensor.columns + column) = static_cast<Scalar>(value);
            }
        }
    }
    Kokkos::deep_copy(parameters.values, host);
}

template <class ExecSpace, class Scalar>
std::vector<Scalar> to_host(kernels::Vector<ExecSpace, Scalar> const& flat) {
    std::vector<Scalar> host(flat.extent(0));
    Kokkos::View<Scalar*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> view(host.data(), host.size());
    Kokkos::deep_copy(view, flat);
    return host;
}

template <class ExecSpace, class Scalar>
void from_host(std::span<Scalar const> host, kernels::Vector<ExecSpace, Scalar> const& flat) {
    core::check(host.size() == flat.extent(0), "a buffer of ", host.size(), " elements for one of ", flat.extent(0));
    Kokkos::View<Scalar const*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> view(host.data(), host.size());
    Kokkos::deep_copy(flat, view);
}

template <class ExecSpace, class Scalar>
void copy_shared_tensors(Parameters<ExecSpace, Scalar> const& from, Parameters<ExecSpace, Scalar>& to) {
    for (Tensor const& target : to.layout.tensors()) {
        for (Tensor const& source : from.layout.tensors()) {
            if (source.name != target.name) { continue; }
            core::check(source.dims() == target.dims(), "tensor ", source.name, " differs in shape");
            Kokkos::deep_copy(as_vector(to.values, target.offset, target.size()),
                              as_vector(from.values, source.offset, source.size()));
        }
    }
}

#define INSTANTIATE(E, S)                                                             \
    template void initialise<E, S>(Parameters<E, S>&, std::uint64_t, double, double); \
    template std::vector<S> to_host<E, S>(kernels::Vector<E, S> const&);              \
    template void from_host<E, S>(std::span<S const>, kernels::Vector<E, S> const&);  \
    template void copy_shared_tensors<E, S>(Parameters<E, S> const&, Parameters<E, S>&);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)
template std::vector<std::int32_t> to_host(kernels::Vector<Kokkos::DefaultExecutionSpace, std::int32_t> const&);

}  // namespace alignsweep::model
