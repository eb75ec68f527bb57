// SPDX-License-Identifier: Apache-2.0
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/machine.hpp"
#include "core/random.hpp"

#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>

namespace alignsweep::core {
namespace {

TEST(Digest, DependsOnBytesNotOnTheirSplit) {
    EXPECT_EQ(Digest().update("ab").update("cd").hex(), digest_of("abcd"));
    EXPECT_EQ(Digest().update("").hex(), digest_of(""));
    EXPECT_NE(digest_of("abcd"), digest_of("abce"));
    EXPECT_EQ(digest_of("abcd").size(), 32u);
}

TEST(Digest, OfAFileIsThatOfItsBytes) {
    auto const file = std::filesystem::temp_directory_path() / concat("alignsweep-digest-", getpid());
    std::string const bytes(3 << 20, 'x');  // several blocks
    std::ofstream(file, std::ios::binary) << bytes;
    EXPECT_EQ(digest_of_file(file), digest_of(bytes));
    std::ofstream(file, std::ios::trunc).close();
    EXPECT_EQ(digest_of_file(file), digest_of(""));
    std::filesystem::remove(file);
    EXPECT_THROW(static_cast<void>(digest_of_file(file)), IoError);
}

TEST(RandomStream, IsAFunctionOfItsCounter) {
    RandomStream const stream(7, "test");
    EXPECT_EQ(stream.uniform(1, 2, 3), RandomStream(7, "test").uniform(1, 2, 3));
    std::set<double> const values{stream.uniform(1, 2, 3),
                                  stream.uniform(0, 2, 3),
                                  stream.uniform(1, 0, 3),
                                  stream.uniform(1, 2, 0),
                                  stream.uniform(1, 2, 3, 1),
                                  RandomStream(8, "test").uniform(1, 2, 3),
                                  RandomStream(7, "other").uniform(1, 2, 3)};
    EXPECT_EQ(values.size(), 7u);
}

// The numbers of Random123's own known-answer test for philox4x32-10 with key and counter 0.
TEST(RandomStream, IsPhilox) {
    r123::Philox4x32::ctr_type const counter = {{0, 0, 0, 0}};
    r123::Philox4x32::key_type const key = {{0, 0}};
    auto const word = r123::Philox4x32()(counter, key);
    EXPECT_EQ(word[0], 0x6627e8d5u);
    EXPECT_EQ(word[1], 0xe169c58du);
    EXPECT_EQ(word[2], 0xbc57ac4cu);
    EXPECT_EQ(word[3], 0x9b00dbd8u);
}

TEST(Draws, AreUniformAndNormal) {
    Draws draws(RandomStream(1, "draws"), 0);
    constexpr int count = 20000;
    double sum = 0.0, normal = 0.0, squares = 0.0;
    for (int i = 0; i < count; ++i) {
        double const u = draws.uniform();
        EXPECT_GT(u, 0.0);
        EXPECT_LT(u, 1.0);
        sum += u;
        double const z = draws.normal();
        normal += z;
        squares += z * z;
    }
    EXPECT_NEAR(sum / count, 0.5, 4.0 * std::sqrt(1.0 / 12.0 / count));
    EXPECT_NEAR(normal / count, 0.0, 4.0 / std::sqrt(count));
    EXPECT_NEAR(squares / count, 1.0, 4.0 * std::sqrt(2.0 / count));
}

TEST(Draws, ShuffleIsAPermutation) {
    std::vector<int> items(101);
    std::iota(items.begin(), items.end(), 0);
    auto shuffled = items;
    Draws(RandomStream(1, "shuffle"), 0).shuffle(shuffled);
    EXPECT_NE(shuffled, items);
    std::sort(shuffled.begin(), shuffled.end());
    EXPECT_EQ(shuffled, items);
    std::vector<int> none, one{5};
    Draws(RandomStream(1, "shuffle"), 0).shuffle(none);
    Draws(RandomStream(1, "shuffle"), 0).shuffle(one);
    EXPECT_EQ(one, std::vector<int>{5});
    EXPECT_EQ(Draws(RandomStream(1, "index"), 0).index(1), 0u);
}

TEST(Error, CarriesItsExitCode) {
    EXPECT_EQ(ConfigError("x").code(), ExitCode::usage);
    EXPECT_EQ(IoError("x").code(), ExitCode::io);
    EXPECT_EQ(TrialError("x").code(), ExitCode::trial_failed);
    EXPECT_EQ(Stopped().code(), ExitCode::stopped);
    EXPECT_THROW(check(false, "row ", 3), std::logic_error);
    EXPECT_NO_THROW(check(true, "never"));
    EXPECT_EQ(concat("row ", 3, " of ", 4.5), "row 3 of 4.5");
}

TEST(Version, IsKnown) {
    EXPECT_FALSE(version().empty());
    EXPECT_FALSE(git_commit().empty());
}

}  // namespace
}  // namespace alignsweep::core
