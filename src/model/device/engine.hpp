// SPDX-License-Identifier: Apache-2.0
// From the plain classes of model/ to the templates of this folder, whose scalar is chosen at run time.
#pragma once

#include "core/error.hpp"
#include "model/device/transformer.hpp"
#include "model/transformer.hpp"

#include <utility>
#include <variant>

namespace alignsweep::model {

using device::Exec;
template <class Scalar>
using Flat = device::Vector<Scalar>;

template <template <class> class Of>
using Either = std::variant<Of<float>, Of<double>>;

// Makes the one of a precision.
template <template <class> class Of, class... Arguments>
Either<Of> make_either(Precision precision, Arguments const&... arguments) {
    if (precision == Precision::float32) { return Either<Of>(std::in_place_index<0>, arguments...); }
    return Either<Of>(std::in_place_index<1>, arguments...);
}

struct Weights::Device {
    Either<Flat> values;
};

struct Transformer::Device {
    Either<device::Transformer> runner;
};

// Calls body with what an Either holds.
template <class Held, class Body>
auto dispatch(Held& held, Body const& body) {
    return std::visit(body, held);
}

template <class Scalar>
Flat<Scalar> const& values_of(Weights const& weights) {
    auto const* const values = std::get_if<Flat<Scalar>>(&weights.device().values);
    core::check(values != nullptr, "numbers of two precisions meet");
    return *values;
}

// Calls body(runner, parameters) in the transformer's precision.
template <class Body>
auto run(Transformer& transformer, Weights const& weights, Body const& body) {
    return dispatch(transformer.device().runner, [&]<class Scalar>(device::Transformer<Scalar>& runner) {
        return body(runner, device::Parameters<Scalar>{weights.layout, values_of<Scalar>(weights)});
    });
}

}  // namespace alignsweep::model
