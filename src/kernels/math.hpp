// SPDX-License-Identifier: Apache-2.0
// Scalar functions that compilers turn into SIMD code on a host, alike on every backend.
#pragma once

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace alignsweep::kernels {

// exp in float to 1.2 ulp, branch-free so that loops over it vectorise; 0 below -87, exp(88) above 88.
// Cody-Waite range reduction, then a polynomial of degree 6 on [-ln2/2, ln2/2]: 1 + r + r^2 q(r) of least relative
// error (4e-9; Taylor's has 2e-7). Float: float or a pack of them, Bits: as many 32-bit words.
template <class Float, class Bits>
KOKKOS_FORCEINLINE_FUNCTION Float exp_in_float(Float const& x) {
    Float const low = Float{} - 87.0f, high = Float{} + 88.0f;
    Float const clamped = x < low ? low : (x > high ? high : x);
    // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits of the sum.
    Float const shifted = clamped * 1.44269504f + 12582912.0f;
    Float const n = shifted - 12582912.0f;
    Float const r = (clamped - n * 0.693145752f) - n * 1.42860677e-6f;
    Float p = Float{} + 0.00138145406f;
    p = p * r + 0.00836874545f;
    p = p * r + 0.041668389f;
    p = p * r + 0.166665211f;
    p = p * r + 0.49999994f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    Bits const exponent = Kokkos::bit_cast<Bits>(shifted) << 23;
    Float const y = Kokkos::bit_cast<Float>(Kokkos::bit_cast<Bits>(p) + exponent);
    return x < low ? Float{} : y;
}

KOKKOS_INLINE_FUNCTION float exp_of(float x) { return exp_in_float<float, std::uint32_t>(x); }
KOKKOS_INLINE_FUNCTION double exp_of(double x) { return Kokkos::exp(x); }

template <class Scalar>
KOKKOS_INLINE_FUNCTION Scalar sigmoid(Scalar x) {
    return Scalar(1) / (Scalar(1) + exp_of(-x));
}

}  // namespace alignsweep::kernels
