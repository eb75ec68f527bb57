// SPDX-License-Identifier: Apache-2.0
// data.h5 files whose tables do not fit together: each is refused with the dataset's name, none is read beyond its end.
#include "stages/artifacts.hpp"
#include "core/error.hpp"
#include "support/prefixes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

namespace {

namespace fs = std::filesystem;
using namespace alignsweep;
using stages::Tokens;
using Column = std::vector<std::int64_t>;

class Artifacts : public testing::Test {
protected:
    Artifacts() : folder_(fs::temp_directory_path() / core::concat("alignsweep d\xC3\xA9 artifacts-", ::getpid())) {
        fs::create_directories(folder_);
    }
    ~Artifacts() override { fs::remove_all(folder_); }

    using Columns = std::map<std::string, Column>;
    // A feedback stage's file of two prompts, three completions, one pair and one thumb, with some columns replaced.
    void write_feedback(Columns const& other = {}) const {
        store::FileWriter file(folder_ / "data.h5", "alignsweep.data", 1);
        Columns columns{{"/prompts/tokens", {10, 11, 12}},
                        {"/prompts/offsets", {0, 2, 3}},
                        {"/prompts/kind", {0, 1}},
                        {"/prompts/subject", {0, 1}},
                        {"/prompts/attribute", {0, 1}},
                        {"/prompts/form", {0, 1}},
                        {"/prompts/heldout", {0, 0}},
                        {"/completions/tokens", {20, 21, 22}},
                        {"/completions/offsets", {0, 1, 2, 3}},
                        {"/completions/prompt", {0, 0, 1}},
                        {"/completions/on_policy", {1, 1, 1}},
                        {"/completions/rating", {0, 0, 0}},
                        {"/pairs/chosen", {0}},
                        {"/pairs/rejected", {1}},
                        {"/thumbs/completion", {0}},
                        {"/thumbs/desirable", {1}},
                        {"/thumbs/partner", {2}}};
        for (auto const& [path, column] : other) { columns[path] = column; }
        for (auto const& [path, column] : columns) { file.write(path, column); }
        file.write("/completions/gold", std::vector<double>{0.0, 0.5, 1.0});
        file.write("/pairs/probability", std::vector<double>{1.0});
        file.publish();
    }
    void write_corpus(Columns const& other) const {
        store::FileWriter file(folder_ / "data.h5", "alignsweep.data", 1);
        Columns columns{{"/tokenizer/left", {97}},        {"/tokenizer/right", {98}},
                        {"/corpus/train", {97, 257}},     {"/corpus/heldout", {98}},
                        {"/sft/prompt/tokens", {97}},     {"/sft/prompt/offsets", {0, 1}},
                        {"/sft/completion/tokens", {98}}, {"/sft/completion/offsets", {0, 1}}};
        for (auto const& [path, column] : other) { columns[path] = column; }
        for (auto const& [path, column] : columns) { file.write(path, column); }
        file.publish();
    }
    // The error's text; empty where there is none.
    std::string refusal(std::function<void()> const& load) const {
        try {
            load();
        } catch (core::IoError const& error) {
            std::string const text = error.what();
            EXPECT_TRUE(text.starts_with((folder_ / "data.h5").string() + ": dataset /")) << text;
            return text;
        }
        return {};
    }

    fs::path folder_;
};

TEST_F(Artifacts, FeedbackWhoseColumnsDoNotFitIsRefused) {
    auto const load = [&] { static_cast<void>(stages::load_feedback(folder_)); };
    write_feedback();
    EXPECT_EQ(refusal(load), "");
    std::vector<std::pair<std::string, Column>> const wrong{{"/prompts/offsets", {}},
                                                            {"/prompts/offsets", {1, 2, 3}},
                                                            {"/prompts/offsets", {0, 3, 2}},
                                                            {"/prompts/offsets", {0, 2, 4}},
                                                            {"/prompts/offsets", {0, 2}},
                                                            {"/prompts/kind", {0}},
                                                            {"/prompts/form", {0, 1 + (std::int64_t{1} << 31)}},
                                                            {"/prompts/tokens", {10, -1, 12}},
                                                            {"/completions/prompt", {0, 0, 2}},
                                                            {"/completions/prompt", {0, -1, 1}},
                                                            {"/completions/rating", {0, 0, 0, 0}},
                                                            {"/pairs/chosen", {3}},
                                                            {"/pairs/rejected", {}},
                                                            {"/thumbs/completion", {-1}},
                                                            {"/thumbs/partner", {3}},
                                                            {"/thumbs/partner", {-2}},
                                                            {"/thumbs/desirable", {1, 1}}};
    for (auto const& [path, column] : wrong) {
        write_feedback({{path, column}});
        EXPECT_NE(refusal(load).find(path), std::string::npos) << path << ": " << refusal(load);
    }
}

TEST_F(Artifacts, CorpusBeyondItsTokenizerIsRefused) {
    auto const load = [&] { static_cast<void>(stages::load_corpus(folder_)); };
    write_corpus({});
    EXPECT_EQ(refusal(load), "");
    std::vector<std::pair<std::string, Column>> const wrong{{"/corpus/train", {258}},
                                                            {"/corpus/heldout", {-1}},
                                                            {"/sft/prompt/tokens", {258}},
                                                            {"/tokenizer/right", {98, 99}},
                                                            {"/tokenizer/left", {256}},
                                                            {"/tokenizer/left", {400}},
                                                            {"/sft/completion/offsets", {0, 0, 1}}};
    for (auto const& [path, column] : wrong) {
        write_corpus({{path, column}});
        EXPECT_NE(refusal(load), "") << path;
    }
}

TEST_F(Artifacts, ReferenceOfOtherFeedbackIsRefused) {
    write_feedback();
    auto const feedback = stages::load_feedback(folder_);
    EXPECT_NO_THROW(static_cast<void>(stages::make_pairs(feedback, {{-1.0, -2.0, -3.0}, {-4.0}})));
    EXPECT_THROW(static_cast<void>(stages::make_pairs(feedback, {{-1.0}, {-4.0}})), core::IoError);
    EXPECT_THROW(static_cast<void>(stages::make_thumbs(feedback, {{-1.0, -2.0, -3.0}, {-4.0, -5.0}})), core::IoError);
}

TEST_F(Artifacts, AnswersAndBeginningsWithColumnsOfOtherLengthsAreRefused) {
    std::vector<data::Example> const two{{{97}, {98}}, {{98}, {97}}};
    stages::save_answers(folder_, {two, {0.5}}, data::Tokenizer());
    EXPECT_NE(refusal([&] { static_cast<void>(stages::load_answers(folder_)); }).find("/answers/gold"),
              std::string::npos);
    stages::save_answers(folder_, {two, {0.5, 1.0}, {1.0}}, data::Tokenizer());
    EXPECT_NE(refusal([&] { static_cast<void>(stages::load_answers(folder_)); }).find("/answers/weight"),
              std::string::npos);
    stages::save_prefixes(folder_, {two, {0, 1}, {0, 1}, {-1, 2}, {1.0, 0.5}, {{"value", {0.0, 1.0}}}, {{"x", {0.0}}}});
    EXPECT_NE(refusal([&] { static_cast<void>(stages::load_prefixes(folder_)); }).find("/beginnings/previous"),
              std::string::npos);
}

}  // namespace
