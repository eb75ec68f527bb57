// SPDX-License-Identifier: Apache-2.0
// Batched generation with a key/value cache.
#pragma once

#include "model/device/transformer.hpp"
#include "model/generate.hpp"

namespace alignsweep::model::device {

// As model::Transformer::generate.
template <class ExecSpace, class Scalar>
std::vector<Completion> generate(Transformer<ExecSpace, Scalar>& transformer,
                                 Parameters<ExecSpace, Scalar> const& weights, GenerationRequest const& request);

}  // namespace alignsweep::model::device
