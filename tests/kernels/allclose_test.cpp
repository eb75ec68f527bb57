// SPDX-License-Identifier: Apache-2.0
// The comparison library, with right and with wrong answers.
#include "support/allclose.hpp"

namespace alignsweep::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Tolerance exact{0.0, 0.0};

TEST(Allclose, TakesWhatIsWithinTheTolerance) {
    EXPECT_TRUE(allclose({1.0, -2.0}, {1.0, -2.0}, exact));
    EXPECT_TRUE(allclose({1.0 + 1e-9}, {1.0}, {1e-8, 0.0}));
    EXPECT_TRUE(allclose({1e-9}, {0.0}, {0.0, 1e-8}));
    EXPECT_TRUE(allclose(std::vector<double>{}, {}, exact));
    EXPECT_TRUE(allclose({infinity}, {infinity}, exact));
}

TEST(Allclose, RefusesWhatIsNot) {
    EXPECT_FALSE(allclose({1.0, 2.0}, {1.0, 2.1}, {1e-3, 1e-3}));
    EXPECT_FALSE(allclose({1.0 + 1e-7}, {1.0}, {1e-8, 0.0}));
    EXPECT_FALSE(allclose({1e-7}, {0.0}, {1.0, 1e-8})) << "a relative tolerance of zero is zero";
    EXPECT_FALSE(allclose({nan}, {nan}, {1.0, 1.0}));
    EXPECT_FALSE(allclose({nan}, {1.0}, {1.0, infinity}));
    EXPECT_FALSE(allclose({1.0}, {nan}, {1.0, 1.0}));
    EXPECT_FALSE(allclose({infinity}, {1.0}, {1.0, 1.0}));
    EXPECT_FALSE(allclose({-infinity}, {infinity}, {1.0, 1.0}));
}

TEST(Allclose, ComparesShapesFirst) {
    std::vector<double> const six(6, 1.0);
    EXPECT_TRUE(allclose(Array{{2, 3}, six}, Array{{2, 3}, six}, exact));
    EXPECT_FALSE(allclose(Array{{3, 2}, six}, Array{{2, 3}, six}, exact));
    EXPECT_FALSE(allclose({1.0}, {1.0, 1.0}, {1.0, 1.0}));
    EXPECT_FALSE(allclose(Array{{2, 3}, {1.0}}, Array{{2, 3}, six}, {1.0, 1.0}));
    auto const message = std::string(allclose(Array{{3, 2}, six}, Array{{2, 3}, six}, exact).message());
    EXPECT_NE(message.find("[3, 2]"), std::string::npos) << message;
}

TEST(Allclose, NamesTheWorstIndicesFirst) {
    Array const want{{2, 4}, std::vector<double>(8, 0.0)};
    Array got = want;
    got.values[6] = 3.0;
    got.values[1] = 1.0;
    auto const message = std::string(allclose(got, want, exact).message());
    EXPECT_NE(message.find("2 of 8 elements"), std::string::npos) << message;
    EXPECT_LT(message.find("[1, 2]: 3 instead of 0"), message.find("[0, 1]: 1 instead of 0")) << message;
    got.values.assign(8, 1.0);
    std::string const many(allclose(got, want, exact).message());
    EXPECT_EQ(std::count(many.begin(), many.end(), '\n'), 5) << many;
}

TEST(NormError, IsRelativeToTheReference) {
    EXPECT_DOUBLE_EQ(norm_error({3.0, 4.0}, {3.0, 4.0}), 0.0);
    EXPECT_DOUBLE_EQ(norm_error({3.0, 5.0}, {3.0, 4.0}), 0.2);
    EXPECT_DOUBLE_EQ(norm_error({0.5}, {0.0}), 0.5);
    EXPECT_EQ(norm_error({1.0}, {1.0, 0.0}), infinity);
    EXPECT_FALSE(norm_error({nan}, {1.0}) <= 1.0);
}

}  // namespace
}  // namespace alignsweep::test
