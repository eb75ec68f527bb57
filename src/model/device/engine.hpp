// SPDX-License-Identifier: Apache-2.0
// From the plain classes of model/ to the templates of this folder: the build's execution space, and a scalar that is
// chosen at run time.
#pragma once

#include "core/error.hpp"
#include "model/device/parameters.hpp"
#include "model/device/transformer.hpp"
#include "model/transformer.hpp"

#include <type_traits>
#include <variant>

namespace alignsweep::model {

using Exec = Kokkos::DefaultExecutionSpace;
template <class Scalar>
using Flat = kernels::Vector<Exec, Scalar>;

struct Weights::Device {
    std::variant<Flat<float>, Flat<double>> values;
};

struct Transformer::Device {
    std::variant<device::Transformer<Exec, float>, device::Transformer<Exec, double>> runner;
};

template <class Scalar>
Flat<Scalar> const& values_of(Weights const& weights) {
    auto const* const values = std::get_if<Flat<Scalar>>(&weights.device().values);
    core::check(values != nullptr, "numbers of two precisions meet");
    return *values;
}

template <class Scalar>
device::Parameters<Exec, Scalar> parameters_of(Weights const& weights) {
    return {weights.layout, values_of<Scalar>(weights)};
}

// Calls body(runner, parameters) in the transformer's precision.
template <class Body>
auto run(Transformer& transformer, Weights const& weights, Body const& body) {
    return std::visit(
        [&]<class Scalar>(device::Transformer<Exec, Scalar>& runner) {
            return body(runner, parameters_of<Scalar>(weights));
        },
        transformer.device().runner);
}

}  // namespace alignsweep::model
