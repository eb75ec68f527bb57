// SPDX-License-Identifier: Apache-2.0
#include "train/partners.hpp"

#include "infer/scoring.hpp"

#include <gtest/gtest.h>

namespace alignsweep::train {
namespace {

TEST(Partners, AreOfAnotherPromptAndFit) {
    std::vector<data::Example> const all{{{1}, {7}}, {{1}, {8, 8}}, {{2, 2}, {9, 9, 9}}, {{3, 3, 3}, {5, 5, 5, 5}}};
    auto const examples = infer::pointers(all);
    core::RandomStream const stream(3, "test/partners");
    for (std::uint32_t step = 0; step < 20; ++step) {
        auto const partners = draw_partners(examples, 5, stream, step);
        for (std::size_t i = 0; i < 4; ++i) {
            ASSERT_GE(partners[i], 0);
            auto const other = static_cast<std::size_t>(partners[i]);
            EXPECT_NE(all[other].prompt, all[i].prompt);
            EXPECT_LE(all[i].prompt.size() + all[other].completion.size(), 5U);
        }
    }
    EXPECT_EQ(draw_partners(examples, 3, stream, 0)[3], -1);
    EXPECT_EQ(draw_partners({examples[0], examples[1]}, 9, stream, 0), (std::vector<std::int64_t>{-1, -1}));
}

}  // namespace
}  // namespace alignsweep::train
