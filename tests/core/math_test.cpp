// SPDX-License-Identifier: Apache-2.0
// Errors against quadruple precision where the compiler has it, and the bits themselves: one digest for every compiler,
// option and processor.
#include "core/math.hpp"
#include "core/digest.hpp"
#include "core/random.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#if defined(__SIZEOF_FLOAT128__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ALIGNSWEEP_QUADMATH
#include <quadmath.h>
#endif

namespace alignsweep::core {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// `count` numbers of [low, high], even or even in their logarithms; the same for every build, without a library's log.
template <class Float>
std::vector<Float> numbers(double low, double high, bool logarithmic, int count) {
    RandomStream const stream(1, "test/math");
    std::vector<Float> x;
    for (int i = 0; i < count; ++i) {
        double const u = stream.uniform(0, static_cast<std::uint32_t>(i), 0);
        x.push_back(static_cast<Float>(logarithmic ? low * math::pow(high / low, u) : low + u * (high - low)));
    }
    return x;
}

struct Function {
    char const* name;
    double (*in_double)(double);
    float (*in_float)(float);  // or none
    double low, high;
    bool logarithmic;
    double ulps;
#ifdef ALIGNSWEEP_QUADMATH
    __float128 (*exact)(__float128);
#endif
};
#ifdef ALIGNSWEEP_QUADMATH
#define EXACT(...) , [](__float128 x) -> __float128 { return __VA_ARGS__; }
#else
#define EXACT(...)
#endif

double exp_of(double x) { return math::exp(x); }
float exp_of(float x) { return math::exp(x); }
double log_of(double x) { return math::log(x); }
float log_of(float x) { return math::log(x); }
double sigmoid_of(double x) { return math::sigmoid(x); }
float sigmoid_of(float x) { return math::sigmoid(x); }
double log1p_of_minus(double x) { return math::log1p(-x); }
double power(double x) { return math::pow(x, -2.5); }
double high_power(double x) { return math::pow(x, 100.0); }
double theta_to(double x) { return math::pow(10000.0, x); }
double normal_by_radius(double x) { return math::normal(x, 0.3); }
double normal_by_angle(double x) { return math::normal(0.3, x); }

Function const functions[] = {
    {"exp", exp_of, exp_of, -745.0, 709.0, false, 1.0 EXACT(expq(x))},
    {"exp", exp_of, exp_of, -103.0, 88.0, false, 1.0 EXACT(expq(x))},
    {"exp", exp_of, exp_of, -1.0, 1.0, false, 1.0 EXACT(expq(x))},
    {"log", log_of, nullptr, 0x1p-1070, 0x1p1020, true, 1.0 EXACT(logq(x))},
    {"log", log_of, log_of, 0x1p-140, 0x1p120, true, 1.0 EXACT(logq(x))},
    {"log", log_of, log_of, 0.5, 2.0, false, 1.0 EXACT(logq(x))},
    {"sigmoid", sigmoid_of, nullptr, -740.0, 40.0, false, 1.0 EXACT(1 / (1 + expq(-x)))},
    {"sigmoid", sigmoid_of, sigmoid_of, -100.0, 20.0, false, 1.0 EXACT(1 / (1 + expq(-x)))},
    {"sigmoid", sigmoid_of, sigmoid_of, -3.0, 3.0, false, 1.0 EXACT(1 / (1 + expq(-x)))},
    {"expm1", math::expm1, nullptr, -45.0, 100.0, false, 1.0 EXACT(expm1q(x))},
    {"expm1", math::expm1, nullptr, -1.0, 1.0, false, 1.0 EXACT(expm1q(x))},
    {"log1p", math::log1p, nullptr, -0.999, 1.0, false, 1.0 EXACT(log1pq(x))},
    {"log1p", math::log1p, nullptr, 0x1p-1000, 0x1p1000, true, 1.0 EXACT(log1pq(x))},
    {"log1p", log1p_of_minus, nullptr, 0x1p-1000, 0.999, true, 1.0 EXACT(log1pq(-x))},
    {"pow", power, nullptr, 0.01, 10.0, true, 1.0 EXACT(powq(x, -2.5Q))},
    {"pow", high_power, nullptr, 0.9, 1.1, false, 1.0 EXACT(powq(x, 100))},
    {"pow", theta_to, nullptr, -1.0, 1.0, false, 1.0 EXACT(powq(10000, x))},
    {"sin", math::sin, nullptr, -1e5, 1e5, false, 1.0 EXACT(sinq(x))},
    {"sin", math::sin, nullptr, 0x1p-1000, 3.0, true, 1.0 EXACT(sinq(x))},
    {"cos", math::cos, nullptr, -1e5, 1e5, false, 1.0 EXACT(cosq(x))},
    {"cos", math::cos, nullptr, -8.0, 8.0, false, 1.0 EXACT(cosq(x))},
    {"cos_of_turns", math::cos_of_turns, nullptr, -1.0, 1.0, false, 1.0 EXACT(cosq(2 * M_PIq * x))},
    {"cos_of_turns", math::cos_of_turns, nullptr, 0.2499999, 0.2500001, false, 1.0 EXACT(cosq(2 * M_PIq * x))},
    {"normal", normal_by_radius, nullptr, 0x1p-52, 1.0, false, 3.0 EXACT(sqrtq(-2 * logq(x)) * cosq(2 * M_PIq * 0.3))},
    {"normal", normal_by_angle, nullptr, 0x1p-52, 1.0, false, 3.0 EXACT(sqrtq(-2 * logq(0.3)) * cosq(2 * M_PIq * x))},
};

#ifdef ALIGNSWEEP_QUADMATH
// Distance in units of the last place of the exact value; of the smallest normal number below it.
template <class Float>
double ulps(Float got, __float128 exact) {
    using Limits = std::numeric_limits<Float>;
    int exponent = 0;
    frexpq(fabsq(exact), &exponent);
    exponent = std::max(exponent, Limits::min_exponent);
    return static_cast<double>(fabsq(static_cast<__float128>(got) - exact) / ldexpq(1, exponent - Limits::digits));
}

template <class Float>
void expect_accurate(Function const& f, Float (*function)(Float)) {
    double worst = 0.0;
    Float at = 0;
    for (Float const x : numbers<Float>(f.low, f.high, f.logarithmic, 100000)) {
        double const error = ulps<Float>(function(x), f.exact(x));
        if (!(error <= worst)) {
            worst = error;
            at = x;
        }
    }
    EXPECT_LE(worst, f.ulps) << f.name << " in " << sizeof(Float) << " bytes, at " << at;
}

TEST(Math, IsAccurate) {
    for (Function const& f : functions) {
        expect_accurate<double>(f, f.in_double);
        if (f.in_float != nullptr && f.high < 100.0) { expect_accurate<float>(f, f.in_float); }
    }
}
#endif

TEST(Math, HasTheSameBitsEverywhere) {
    Digest digest;
    auto const add = [&](auto value) { digest.update({reinterpret_cast<char const*>(&value), sizeof value}); };
    for (Function const& f : functions) {
        for (double const x : numbers<double>(f.low, f.high, f.logarithmic, 5000)) { add(f.in_double(x)); }
        if (f.in_float == nullptr) { continue; }
        for (float const x : numbers<float>(f.low, f.high, f.logarithmic, 5000)) { add(f.in_float(x)); }
    }
    EXPECT_EQ(digest.hex(), "c1d6ceec60564c4555ea1c7978cca6bb");
}

TEST(Math, KeepsEdges) {
    EXPECT_EQ(math::exp(0.0), 1.0);
    EXPECT_EQ(math::exp(0.0f), 1.0f);
    EXPECT_EQ(math::exp(-infinity), 0.0);
    EXPECT_EQ(math::exp(-1e30f), 0.0f);
    EXPECT_EQ(math::exp(1e30), infinity);
    EXPECT_EQ(math::exp(1e30f), std::numeric_limits<float>::infinity());
    EXPECT_EQ(math::log(1.0), 0.0);
    EXPECT_EQ(math::log(0.0), -infinity);
    EXPECT_EQ(math::log(infinity), infinity);
    EXPECT_EQ(math::log1p(-1.0), -infinity);
    EXPECT_EQ(math::log1p(0.0), 0.0);
    EXPECT_EQ(math::expm1(0.0), 0.0);
    EXPECT_EQ(math::expm1(-infinity), -1.0);
    EXPECT_EQ(math::expm1(infinity), infinity);
    EXPECT_EQ(math::sigmoid(0.0), 0.5);
    EXPECT_EQ(math::sigmoid(1e30f), 1.0f);
    EXPECT_EQ(math::sigmoid(-1e30), 0.0);
    EXPECT_EQ(math::pow(0.0, 2.0), 0.0);
    EXPECT_EQ(math::pow(0.0, 0.0), 1.0);
    EXPECT_EQ(math::pow(3.0, 2.0), 9.0);
    EXPECT_EQ(math::pow(2.0, -2000.0), 0.0);
    EXPECT_EQ(math::pow(2.0, 2000.0), infinity);
    EXPECT_EQ(math::sin(0.0), 0.0);
    EXPECT_EQ(math::cos(0.0), 1.0);
    EXPECT_EQ(math::cos_of_turns(0.25), 0.0);
    EXPECT_EQ(math::cos_of_turns(0.5), -1.0);
    for (auto const& f : functions) {
        EXPECT_TRUE(std::isnan(f.in_double(nan))) << f.name << ": a NaN must not be hidden";
    }
    EXPECT_TRUE(std::isnan(math::log(-1.0)));
    EXPECT_TRUE(std::isnan(math::log1p(-2.0)));
    EXPECT_TRUE(std::isnan(math::pow(-2.0, 3.0)));
    EXPECT_TRUE(std::isnan(math::exp(static_cast<float>(nan))));
}

}  // namespace
}  // namespace alignsweep::core
