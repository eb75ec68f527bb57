// SPDX-License-Identifier: Apache-2.0
#include "model/weights.hpp"

#include "core/random.hpp"
#include "kernels/reduce.hpp"
#include "model/device/engine.hpp"

#include <cmath>

namespace alignsweep::model {

namespace {

// Writes `host` to the `size` elements from `first` on.
template <class From>
void write(std::vector<From> const& host, std::int64_t first, std::int64_t size, Weights& weights) {
    dispatch(weights.device().values, [&]<class Scalar>(Flat<Scalar> const& values) {
        device::from_host(Exec(), host, device::part_of(values, first, size));
    });
}

auto zeros() { return Kokkos::view_alloc(Exec(), "alignsweep::model::parameters"); }

}  // namespace

Weights::Weights(Shape const& shape_in, Precision precision)
    : shape(shape_in),
      layout(shape_in),
      device_(std::make_unique<Device>(Device{make_either<Flat>(precision, zeros(), layout.size())})) {}
Weights::Weights(Weights&&) noexcept = default;
Weights& Weights::operator=(Weights&&) noexcept = default;
Weights::~Weights() = default;

Precision Weights::precision() const {
    return std::holds_alternative<Flat<float>>(device_->values) ? Precision::float32 : Precision::float64;
}

void initialise(Weights& weights, std::uint64_t seed, double init_std, double embedding_init_std) {
    std::vector<double> host(static_cast<std::size_t>(weights.layout.size()));
    for (Tensor const& tensor : weights.layout.tensors()) {
        core::RandomStream const stream(seed, "model/" + tensor.name);
        double deviation = init_std;
        if (tensor.name == "model.embed_tokens.weight") { deviation = embedding_init_std; }
        if (tensor.name == "score.weight") { deviation = std::sqrt(1.0 / (weights.shape.width + 1)); }
        for (int row = 0; row < tensor.rows; ++row) {
            core::Draws draws(stream, 0, static_cast<std::uint32_t>(row));
            for (int column = 0; column < tensor.columns; ++column) {
                host[static_cast<std::size_t>(tensor.offset + std::int64_t(row) * tensor.columns + column)] =
                    tensor.is_matrix ? deviation * draws.normal() : 1.0;
            }
        }
    }
    from_host(host, weights);
}

template <class Scalar>
std::vector<Scalar> to_host(Weights const& weights) {
    return dispatch(weights.device().values,
                    [](auto const& values) { return device::to_host<Scalar>(Exec(), values); });
}
template <class Scalar>
void from_host(std::vector<Scalar> const& host, Weights& weights) {
    write(host, 0, weights.layout.size(), weights);
}
template <class Scalar>
void set_tensor(Weights& weights, Tensor const& tensor, std::vector<Scalar> const& host) {
    write(host, tensor.offset, tensor.size(), weights);
}

#define INSTANTIATE(S)                                        \
    template std::vector<S> to_host<S>(Weights const&);       \
    template void from_host(std::vector<S> const&, Weights&); \
    template void set_tensor(Weights&, Tensor const&, std::vector<S> const&);
INSTANTIATE(float)
INSTANTIATE(double)

void copy_shared_tensors(Weights const& from, Weights& to) {
    Exec const space;
    dispatch(to.device().values, [&]<class Scalar>(Flat<Scalar> const& values) {
        device::Parameters<Scalar> const sources{from.layout, values_of<Scalar>(from)}, targets{to.layout, values};
        for (Tensor const& target : to.layout.tensors()) {
            for (Tensor const& source : from.layout.tensors()) {
                if (source.name != target.name) { continue; }
                core::check(source.dims() == target.dims(), "tensor ", source.name, " differs in shape");
                Kokkos::deep_copy(space, targets.vector(target), sources.vector(source));
            }
        }
    });
    space.fence("alignsweep::model: tensors are copied");
}

void blend(Weights const& from, double share, Weights& into) {
    core::check(from.layout.size() == into.layout.size(), "weights of two shapes to be blended");
    dispatch(into.device().values, [&]<class Scalar>(Flat<Scalar> const& values) {
        kernels::blend<Exec, Scalar>(Exec(), share, values_of<Scalar>(from), values);
    });
}

}  // namespace alignsweep::model
