// SPDX-License-Identifier: Apache-2.0
// A model's parameters. They stay on the device; host code moves numbers in and out. No Kokkos here, nor in the other
// headers of this folder: what runs on the device stands in device/.
#pragma once

#include "model/layout.hpp"

#include <memory>
#include <vector>

namespace alignsweep::model {

enum class Precision { float32, float64 };

class Weights {
public:
    // All zeros.
    explicit Weights(Shape const& shape_in, Precision precision = Precision::float32);
    Weights(Weights&&) noexcept;
    Weights& operator=(Weights&&) noexcept;
    ~Weights();

    Shape shape;
    Layout layout;

    [[nodiscard]] Precision precision() const;

    struct Device;  // the flat buffer, in the layout's order
    [[nodiscard]] Device& device() { return *device_; }
    [[nodiscard]] Device const& device() const { return *device_; }

private:
    std::unique_ptr<Device> device_;
};

// Matrices ~ N(0, init_std^2), embeddings ~ N(0, embedding_init_std^2), norm weights 1, the scalar head
// N(0, 1 / (width + 1)) (methods: Stiennon et al., arXiv:2009.01325, appendix B.1). Each tensor has a stream of its
// own name, so one more head or layer changes no other tensor.
void initialise(Weights& weights, std::uint64_t seed, double init_std, double embedding_init_std);

// The flat buffer, [layout.size()]. Exact in the weights' own precision and in double. Scalar: float, double.
template <class Scalar = float>
[[nodiscard]] std::vector<Scalar> to_host(Weights const& weights);
// Overwrites it, or one tensor, [tensor.size()], row-major; sizes must agree. Numbers are rounded where the weights are
// in float. Scalar: float, double.
template <class Scalar>
void from_host(std::vector<Scalar> const& host, Weights& weights);
template <class Scalar>
void set_tensor(Weights& weights, Tensor const& tensor, std::vector<Scalar> const& host);

// Copies every tensor of `from` whose name `to` has, too (a reward model starts from a language model); both in one
// precision.
void copy_shared_tensors(Weights const& from, Weights& to);

// into = share * from + (1 - share) * into, computed in double and rounded once; both of one shape and precision.
void blend(Weights const& from, double share, Weights& into);

}  // namespace alignsweep::model
