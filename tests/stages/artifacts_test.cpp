// SPDX-License-Identifier: Apache-2.0
// data.h5 is used by number: what points outside is refused, whatever the manifest says.
#include "stages/artifacts.hpp"

#include "core/error.hpp"
#include "store/file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace alignsweep::stages {
namespace {

using Columns = std::map<std::string, std::vector<std::int64_t>>;

// Two prompts, each with one completion of two tokens; a pair and a thumb.
Columns good_columns() {
    return {{"/prompts/tokens", {1, 2, 3}},
            {"/prompts/offsets", {0, 1, 3}},
            {"/prompts/kind", {0, 0}},
            {"/prompts/subject", {0, 1}},
            {"/prompts/attribute", {0, -1}},
            {"/prompts/form", {0, 0}},
            {"/prompts/heldout", {0, 1}},
            {"/completions/tokens", {4, 5, 6, 7}},
            {"/completions/offsets", {0, 2, 4}},
            {"/completions/prompt", {0, 1}},
            {"/completions/on_policy", {1, 1}},
            {"/completions/rating", {0, 0}},
            {"/pairs/chosen", {0}},
            {"/pairs/rejected", {1}},
            {"/thumbs/completion", {0}},
            {"/thumbs/desirable", {1}},
            {"/thumbs/partner", {-1}}};
}

class FeedbackFile : public ::testing::Test {
protected:
    std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "artifacts é of a test";

    void SetUp() override { std::filesystem::create_directories(folder); }
    void TearDown() override { std::filesystem::remove_all(folder); }

    FeedbackData load(Columns const& columns) const {
        store::FileWriter file(folder / "data.h5", "alignsweep.data", 1);
        for (auto const& [path, values] : columns) { file.write(path, values); }
        file.write("/completions/gold", std::vector<double>{0.5, -0.5});
        file.write("/pairs/probability", std::vector<double>{1.0});
        file.publish();
        return load_feedback(folder);
    }
};

TEST_F(FeedbackFile, IsReadAsItWasWritten) {
    auto const feedback = load(good_columns());
    ASSERT_EQ(feedback.prompts.size(), 2U);
    EXPECT_EQ(feedback.prompts[1].tokens, (Tokens{2, 3}));
    ASSERT_EQ(feedback.completions.size(), 2U);
    EXPECT_EQ(feedback.completions[1].tokens, (Tokens{6, 7}));
    EXPECT_EQ(feedback.thumbs.at(0).partner, -1);
}

TEST_F(FeedbackFile, NumbersThatPointOutside) {
    for (auto const& [path, bad] :
         std::vector<std::pair<std::string, std::vector<std::int64_t>>>{{"/prompts/offsets", {}},
                                                                        {"/prompts/offsets", {0, 1, 4}},
                                                                        {"/prompts/offsets", {0, -1, 3}},
                                                                        {"/prompts/offsets", {0, 2, 1}},
                                                                        {"/completions/offsets", {1, 2, 4}},
                                                                        {"/completions/tokens", {4, 5, 6, -7}},
                                                                        {"/completions/tokens", {4, 5, 6, 1LL << 40}},
                                                                        {"/completions/prompt", {0, 2}},
                                                                        {"/completions/prompt", {0}},
                                                                        {"/completions/rating", {0, 0, 0}},
                                                                        {"/prompts/kind", {0}},
                                                                        {"/prompts/form", {0, 1LL << 40}},
                                                                        {"/pairs/chosen", {2}},
                                                                        {"/pairs/rejected", {-1}},
                                                                        {"/pairs/chosen", {}},
                                                                        {"/thumbs/completion", {2}},
                                                                        {"/thumbs/partner", {-2}},
                                                                        {"/thumbs/partner", {1LL << 40}}}) {
        auto columns = good_columns();
        columns[path] = bad;
        try {
            (void)load(columns);
            ADD_FAILURE() << path << " is taken";
        } catch (core::IoError const& error) {
            EXPECT_NE(std::string(error.what()).find("data.h5: dataset " + path), std::string::npos) << error.what();
        }
    }
}

TEST_F(FeedbackFile, AReferenceOfOtherFeedback) {
    auto const feedback = load(good_columns());
    ReferenceData const longer{{-1.0, -2.0, -3.0}, {}}, shorter{{-1.0}, {}};
    EXPECT_EQ(make_pairs(feedback, longer, true).size(), 1U);
    EXPECT_THROW((void)make_pairs(feedback, shorter, true), core::IoError);
}

}  // namespace
}  // namespace alignsweep::stages
