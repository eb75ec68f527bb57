// SPDX-License-Identifier: Apache-2.0
// Elementary functions with the same bits on every machine: made of + - * / sqrt and fused multiply-adds alone, which
// IEEE 754 rounds in one way. libm's bits follow its version and the processor. Errors, measured against quadruple
// precision (tests/core/math_test.cpp): at most 1 ulp, in float and in double.
// Methods: range reduction in two or three parts (Cody & Waite, "Software Manual for the Elementary Functions", 1980);
// Taylor polynomials, or for exp in float one of least relative error; sums and products that would lose bits are kept
// as a pair high + low (Dekker, Numer. Math. 18, 1971).
#pragma once

#include <string.h>

#include <cmath>
#include <cstdint>
#include <type_traits>

#ifdef __FMA__
#include <immintrin.h>
#endif

// Marks functions that run on host and device alike, without including Kokkos.
#if defined(__CUDACC__) || defined(__HIPCC__)
#define ALIGNSWEEP_FUNCTION __host__ __device__ inline
#else
#define ALIGNSWEEP_FUNCTION inline
#endif

namespace alignsweep::core::math {

// a b + c, rounded once. Of a SIMD pack (a GCC vector): of each element.
ALIGNSWEEP_FUNCTION float fused(float a, float b, float c) { return ::fmaf(a, b, c); }
ALIGNSWEEP_FUNCTION double fused(double a, double b, double c) { return ::fma(a, b, c); }
template <class Pack>
requires(!std::is_arithmetic_v<Pack>) ALIGNSWEEP_FUNCTION Pack fused(Pack const& a, Pack const& b, Pack const& c) {
    // By name where compilers have been seen to take a whole register apart.
#if defined(__AVX512F__)
    if constexpr (sizeof(Pack) == 64 && sizeof(a[0]) == 4) {
        return (Pack)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
    }
    if constexpr (sizeof(Pack) == 64 && sizeof(a[0]) == 8) {
        return (Pack)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
    }
#elif defined(__FMA__)
    if constexpr (sizeof(Pack) == 32 && sizeof(a[0]) == 4) {
        return (Pack)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
    }
    if constexpr (sizeof(Pack) == 32 && sizeof(a[0]) == 8) {
        return (Pack)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
    }
#endif
    constexpr int width = static_cast<int>(sizeof(Pack) / sizeof(a[0]));
    Pack result{};
    for (int l = 0; l < width; ++l) { result[l] = fused(a[l], b[l], c[l]); }
    return result;
}

namespace detail {

template <class To, class From>
ALIGNSWEEP_FUNCTION To bits_as(From const& from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
#ifdef __CUDACC__
    memcpy(&to, &from, sizeof(To));
#else  // Clang has no memcpy for devices
    __builtin_memcpy(&to, &from, sizeof(To));
#endif
    return to;
}

// What exp needs of a format. whole: adding it rounds to an integer, which is then in the low bits of the sum.
template <class Element>
struct ExpFormat;
template <>
struct ExpFormat<float> {
    using Int = std::int32_t;
    static constexpr float lowest = -104.0f, highest = 89.0f, whole = 0x1.8p23f, log2_e = 0x1.715476p+0f;
    static constexpr float ln2_high = 0x1.62e42ep-1f, ln2_low = 0x1.efa39ep-25f;
    static constexpr Int whole_bits = 0x4b400000, bias = 127;
    static constexpr int mantissa = 23;
    // Of exp_series, highest power first, for |r| <= ln2 / 2; relative error of exp 4e-9.
    static constexpr int terms = 5;
    ALIGNSWEEP_FUNCTION static constexpr float term(int k) {
        constexpr float c[] = {0.00138145406f, 0.00836874545f, 0.041668389f, 0.166665211f, 0.49999994f};
        return c[k];
    }
};
template <>
struct ExpFormat<double> {
    using Int = std::int64_t;
    static constexpr double lowest = -746.0, highest = 710.0, whole = 0x1.8p52, log2_e = 0x1.71547652b82fep+0;
    static constexpr double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;
    static constexpr Int whole_bits = 0x4338000000000000, bias = 1023;
    static constexpr int mantissa = 52;
    static constexpr int terms = 13;  // Taylor's, 1 / 14! to 1 / 2!, for |r| <= 1 / 2
    ALIGNSWEEP_FUNCTION static constexpr double term(int k) {
        double factorial = 1.0;
        for (int i = 2; i <= 14 - k; ++i) { factorial *= i; }
        return 1.0 / factorial;
    }
};

// (exp(r) - 1 - r) / r^2.
template <class Float, class Format>
ALIGNSWEEP_FUNCTION Float exp_series(Float const& r) {
    Float q = Float{} + Format::term(0);
#pragma GCC unroll 16
    for (int k = 1; k < Format::terms; ++k) { q = fused(q, r, Float{} + Format::term(k)); }
    return q;
}

// exp(x) = 2^n (1 + r + rest); n + Format::whole is `shifted`.
template <class Float>
struct Reduced {
    Float shifted, r, rest;
};
template <class Float, class Format>
ALIGNSWEEP_FUNCTION Reduced<Float> reduced_for_exp(Float const& x) {
    Float const zero{}, low = zero + Format::lowest, high = zero + Format::highest;
    Float const raised = low > x ? low : x, clamped = high < raised ? high : raised;
    Float const shifted = fused(clamped, zero + Format::log2_e, zero + Format::whole);
    Float const n = shifted - Format::whole;
    Float const rough = fused(-n, zero + Format::ln2_high, clamped);  // exact
    Float const r = fused(-n, zero + Format::ln2_low, rough);
    Float const lost = fused(-n, zero + Format::ln2_low, rough - r);
    return {shifted, r, fused(r * r, exp_series<Float, Format>(r), lost)};
}

// The same with 2^n as two powers of two: a result below the normal range is rounded once.
template <class Float>
struct ExpParts {
    Float r, rest, scale_1, scale_2;
};
template <class Float, class Int, class Format>
ALIGNSWEEP_FUNCTION ExpParts<Float> exp_parts(Float const& x) {
    auto const reduced = reduced_for_exp<Float, Format>(x);
    Int const exponent = bits_as<Int>(reduced.shifted) - Format::whole_bits, half = exponent >> 1;
    return {reduced.r, reduced.rest, bits_as<Float>(static_cast<Int>((half + Format::bias) << Format::mantissa)),
            bits_as<Float>(static_cast<Int>((exponent - half + Format::bias) << Format::mantissa))};
}

template <class Float>
ALIGNSWEEP_FUNCTION Float whole(ExpParts<Float> const& parts) {
    return ((parts.r + parts.rest) + 1) * parts.scale_1 * parts.scale_2;
}

template <class Float, class Int, class Format>
ALIGNSWEEP_FUNCTION Float exp(Float const& x) {
#ifdef __AVX512F__
    if constexpr (sizeof(Float) == 64) {  // one instruction that rounds as the two products do
        auto const reduced = reduced_for_exp<Float, Format>(x);
        Float const one_and = (reduced.r + reduced.rest) + 1, n = reduced.shifted - Format::whole;
        if constexpr (sizeof(x[0]) == 4) {
            return (Float)_mm512_maskz_scalef_ps(__mmask16(-1), (__m512)one_and, (__m512)n);
        }
        if constexpr (sizeof(x[0]) == 8) {
            return (Float)_mm512_maskz_scalef_pd(__mmask8(-1), (__m512d)one_and, (__m512d)n);
        }
    }
#endif
    return whole(exp_parts<Float, Int, Format>(x));
}

// 1 / (1 + exp(-x)) out of exp(-|x|) as a pair, so that its rounding does not add to the quotient's.
template <class Float, class Int, class Format>
ALIGNSWEEP_FUNCTION Float sigmoid(Float const& x) {
    Float const one = Float{} + 1;
    auto const parts = exp_parts<Float, Int, Format>(x < Float{} ? x : -x);
    Float const over = parts.r + parts.rest, sum = one + over;
    Float const lost = ((one - sum) + over) + ((parts.r - over) + parts.rest);
    Float const high = sum * parts.scale_1 * parts.scale_2, low = lost * parts.scale_1 * parts.scale_2;
    Float const below = one + high, below_low = ((one - below) + high) + low;
    Float const above = x < Float{} ? high : one, above_low = x < Float{} ? low : Float{};
    Float const inverse = one / below, quotient = above * inverse;
    Float const rest = fused(-quotient, below, above) + (above_low - quotient * below_low);
    return fused(rest, inverse, quotient);
}

struct Pair {
    double high, low;
};
// Of |a| >= |b|, exact.
ALIGNSWEEP_FUNCTION Pair sum_of(double a, double b) {
    double const sum = a + b;
    return {sum, (a - sum) + b};
}
ALIGNSWEEP_FUNCTION Pair product_of(Pair a, Pair b) {
    double const product = a.high * b.high;
    return {product, fused(a.high, b.high, -product) + (a.high * b.low + a.low * b.high)};
}

// log(x (1 + share)) for a finite x > 0 and a tiny share, to about 2^-65. x = 2^k m with sqrt(1/2) <= m < sqrt(2), and
// log(m) = 2 atanh(s) = 2 (s + s^3 / 3 + s^5 / 5 + ...) with s = (m - 1) / (m + 1).
ALIGNSWEEP_FUNCTION Pair log_parts(double x, double share = 0.0) {
    int k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    auto const word = bits_as<std::int64_t>(x);
    std::int64_t const half = 0x3fe6a09e667f3bcd;  // sqrt(1/2)
    std::int64_t const shift = (word - half) >> 52;
    k += static_cast<int>(shift);
    double const f = bits_as<double>(word - (shift << 52)) - 1.0;
    Pair const below = sum_of(2.0, f);
    double const quotient = f / below.high;
    Pair const s{quotient, (fused(-quotient, below.high, f) - quotient * below.low) / below.high};
    Pair const square = product_of(s, s);
    double series = 2.0 / 25.0;
    for (int n = 23; n >= 5; n -= 2) { series = fused(series, square.high, 2.0 / n); }
    Pair const cube = product_of(product_of(s, square), {0x1.5555555555555p-1, 0x1.5555555555555p-55});
    double const rest = s.high * square.high * square.high * series;
    Pair const ends = sum_of(cube.high, rest);
    Pair const log_m = sum_of(2.0 * s.high, ends.high);
    double const low = log_m.low + (ends.low + cube.low + 2.0 * s.low) + share;
    using Format = ExpFormat<double>;
    Pair const total = sum_of(k * Format::ln2_high, log_m.high);
    return sum_of(total.high, total.low + fused(static_cast<double>(k), Format::ln2_low, low));
}

// Sine and cosine of an angle of at most pi / 4 given as a pair.
ALIGNSWEEP_FUNCTION double sin_of(Pair x) {
    double const square = x.high * x.high;
    double series = 1.0;
    for (int n = 19; n >= 5; n -= 2) { series = fused(series, square * (-1.0 / (n * (n - 1))), 1.0); }
    series *= -1.0 / 6.0;
    return x.high + fused(x.high * square, series, x.low * (1.0 - 0.5 * square));
}
ALIGNSWEEP_FUNCTION double cos_of(Pair x) {
    double const square = x.high * x.high, half = 0.5 * square;
    double series = 1.0;
    for (int n = 18; n >= 6; n -= 2) { series = fused(series, square * (-1.0 / (n * (n - 1))), 1.0); }
    series *= 1.0 / 24.0;
    double const start = 1.0 - half;
    double const lost = ((1.0 - start) - half) - (0.5 * fused(x.high, x.high, -square) + x.high * x.low);
    return start + (lost + square * square * series);
}
// Of an angle plus `quarters` right angles.
ALIGNSWEEP_FUNCTION double cos_of(Pair x, std::int64_t quarters) {
    double const value = (quarters & 1) != 0 ? sin_of(x) : cos_of(x);
    return ((quarters + 1) & 2) != 0 ? -value : value;
}

// A finite angle as at most pi / 4 and right angles; exact enough below 2^20.
ALIGNSWEEP_FUNCTION Pair reduced(double x, std::int64_t& quarters) {
    double const shifted = fused(x, 0x1.45f306dc9c883p-1, ExpFormat<double>::whole);
    double const n = shifted - ExpFormat<double>::whole;
    quarters = bits_as<std::int64_t>(shifted) - ExpFormat<double>::whole_bits;
    double const rough = fused(-n, 0x1.921fb544p+0, x), step = n * 0x1.0b4611a6p-34;
    double const high = rough - step;
    double const low = ((rough - high) - step) - n * 0x1.3198a2e037073p-69;
    return {high + low, (high - (high + low)) + low};
}

}  // namespace detail

ALIGNSWEEP_FUNCTION float exp(float x) { return detail::exp<float, std::int32_t, detail::ExpFormat<float>>(x); }
ALIGNSWEEP_FUNCTION double exp(double x) { return detail::exp<double, std::int64_t, detail::ExpFormat<double>>(x); }

// Of each element of a GCC vector.
template <class Pack>
ALIGNSWEEP_FUNCTION Pack exp_of_pack(Pack const& x) {
    using Format = detail::ExpFormat<std::remove_cvref_t<decltype(x[0])>>;
    typedef typename Format::Int Ints __attribute__((vector_size(sizeof(Pack))));
    return detail::exp<Pack, Ints, Format>(x);
}

// 1 / (1 + exp(-x)).
ALIGNSWEEP_FUNCTION float sigmoid(float x) { return detail::sigmoid<float, std::int32_t, detail::ExpFormat<float>>(x); }
ALIGNSWEEP_FUNCTION double sigmoid(double x) {
    return detail::sigmoid<double, std::int64_t, detail::ExpFormat<double>>(x);
}

// NaN below 0, -inf at 0.
ALIGNSWEEP_FUNCTION double log(double x) {
    if (!(x > 0.0)) { return x == 0.0 ? -INFINITY : NAN; }
    return x == INFINITY ? x : detail::log_parts(x).high;
}
ALIGNSWEEP_FUNCTION float log(float x) { return static_cast<float>(log(static_cast<double>(x))); }

// exp(x) - 1.
ALIGNSWEEP_FUNCTION double expm1(double x) {
    using Format = detail::ExpFormat<double>;
    if (!(x > -40.0 && x < 60.0)) { return x <= -40.0 ? -1.0 : exp(x); }
    if (x > -0.34 && x < 0.5) { return fused(x * x, detail::exp_series<double, Format>(x), x); }
    auto const parts = detail::exp_parts<double, std::int64_t, Format>(x);
    double const scale = parts.scale_1 * parts.scale_2, whole = scale - 1.0, over = parts.r + parts.rest;
    detail::Pair const sum = detail::sum_of(whole, scale * over);
    return sum.high + (fused(scale, (parts.r - over) + parts.rest, sum.low) + ((scale - whole) - 1.0));
}

// log(1 + x); NaN below -1, -inf at -1.
ALIGNSWEEP_FUNCTION double log1p(double x) {
    if (!(x > -1.0)) { return x == -1.0 ? -INFINITY : NAN; }
    if (x > 0x1p60) { return log(x); }
    if (x < 0x1p-54 && x > -0x1p-54) { return x; }
    detail::Pair const sum = x > 1.0 ? detail::sum_of(x, 1.0) : detail::sum_of(1.0, x);
    return detail::log_parts(sum.high, sum.low / sum.high).high;
}

// x to the power y, for x > 0; 0 for x = 0 and y > 0, 1 for y = 0.
ALIGNSWEEP_FUNCTION double pow(double x, double y) {
    if (y == 0.0) { return 1.0; }
    if (!(x > 0.0)) { return x == 0.0 ? (y > 0.0 ? 0.0 : INFINITY) : NAN; }
    detail::Pair const product = detail::product_of(detail::log_parts(x), {y, 0.0});
    if (!(product.high > -800.0 && product.high < 800.0)) { return exp(product.high); }
    auto parts = detail::exp_parts<double, std::int64_t, detail::ExpFormat<double>>(product.high);
    parts.rest += product.low * (1.0 + parts.r + parts.rest);
    return detail::whole(parts);
}

// Of an angle in radians, below 2^20; not accurate for larger ones.
ALIGNSWEEP_FUNCTION double cos(double x) {
    std::int64_t quarters = 0;
    detail::Pair const rest = detail::reduced(x, quarters);
    return detail::cos_of(rest, quarters);
}
ALIGNSWEEP_FUNCTION double sin(double x) {
    std::int64_t quarters = 0;
    detail::Pair const rest = detail::reduced(x, quarters);
    return detail::cos_of(rest, quarters - 1);
}

// cos(2 pi x) for |x| < 2^50.
ALIGNSWEEP_FUNCTION double cos_of_turns(double x) {
    double const shifted = fused(4.0, x, detail::ExpFormat<double>::whole);
    double const part = fused(4.0, x, -(shifted - detail::ExpFormat<double>::whole));
    double const angle = part * 0x1.921fb54442d18p+0;
    double const low = fused(part, 0x1.921fb54442d18p+0, -angle) + part * 0x1.1a62633145c07p-54;
    return detail::cos_of({angle, low}, detail::bits_as<std::int64_t>(shifted) - detail::ExpFormat<double>::whole_bits);
}

// Standard normal out of two uniform numbers in (0, 1) (Box & Muller, Ann. Math. Stat. 29, 1958; one of its two
// values).
ALIGNSWEEP_FUNCTION double normal(double u, double v) { return ::sqrt(-2.0 * log(u)) * cos_of_turns(v); }

}  // namespace alignsweep::core::math
