// SPDX-License-Identifier: Apache-2.0
#include "data/batch.hpp"
#include "temporary.hpp"

#include <gtest/gtest.h>

namespace alignsweep::data {
namespace {

using Tokens = std::vector<std::int32_t>;

// Three by hand: an ordinary one, one without a prompt, one whose tokens are 0 (a NUL byte is a token like any other:
// lengths are never inferred from values).
std::vector<Example> three() { return {{{10, 11, 12}, {13, 14, 256}}, {{}, {20, 21}}, {{0}, {0, 0}}}; }

PackedBatch pack_all(std::vector<Example> const& examples, TargetKind kind) {
    std::vector<Example const*> pointers;
    for (Example const& example : examples) { pointers.push_back(&example); }
    return pack(pointers, kind);
}

TEST(Pack, CompletionTargetsByHand) {
    PackedBatch const batch = pack_all(three(), TargetKind::completion);
    EXPECT_EQ(batch.sequences(), 3);
    EXPECT_EQ(batch.tokens, (Tokens{10, 11, 12, 13, 14, 256, 20, 21, 0, 0, 0}));
    EXPECT_EQ(batch.offsets, (Tokens{0, 6, 8, 11}));
    EXPECT_EQ(batch.target_rows, (Tokens{2, 3, 4, 6, 8, 9}));
    EXPECT_EQ(batch.target_tokens, (Tokens{13, 14, 256, 21, 0, 0}));
    EXPECT_EQ(batch.target_offsets, (Tokens{0, 3, 4, 6}));
    EXPECT_EQ(batch.targets(), 6);
}

TEST(Pack, FullTargetsByHand) {
    PackedBatch const batch = pack_all(three(), TargetKind::full);
    EXPECT_EQ(batch.target_rows, (Tokens{0, 1, 2, 3, 4, 6, 8, 9}));
    EXPECT_EQ(batch.target_tokens, (Tokens{11, 12, 13, 14, 256, 21, 0, 0}));
    EXPECT_EQ(batch.target_offsets, (Tokens{0, 5, 6, 8}));
}

TEST(Pack, Edges) {
    PackedBatch const none = pack_all({}, TargetKind::completion);
    EXPECT_EQ(none.sequences(), 0);
    EXPECT_EQ(none.offsets, (Tokens{0}));
    EXPECT_EQ(none.target_offsets, (Tokens{0}));
    // A prompt alone, and a single token, have no targets but are sequences.
    PackedBatch const bare = pack_all({{{1, 2}, {}}, {{}, {3}}}, TargetKind::completion);
    EXPECT_EQ(bare.sequences(), 2);
    EXPECT_EQ(bare.targets(), 0);
    EXPECT_EQ(bare.target_offsets, (Tokens{0, 0, 0}));
    EXPECT_THROW((void)pack_all({{{}, {}}}, TargetKind::full), std::logic_error);
}

// In any batch: a target is the next token of the same sequence.
TEST(Pack, TargetsStayWithinTheirSequence) {
    for (TargetKind const kind : {TargetKind::completion, TargetKind::full}) {
        PackedBatch const batch = pack_all(three(), kind);
        for (std::size_t s = 0; s < 3; ++s) {
            for (auto i = batch.target_offsets[s]; i < batch.target_offsets[s + 1]; ++i) {
                auto const row = batch.target_rows[static_cast<std::size_t>(i)];
                EXPECT_GE(row, batch.offsets[s]);
                EXPECT_LT(row + 1, batch.offsets[s + 1]);
                EXPECT_EQ(batch.target_tokens[static_cast<std::size_t>(i)],
                          batch.tokens[static_cast<std::size_t>(row + 1)]);
            }
        }
    }
}

TEST(Windows, CutAStream) {
    Tokens const stream{1, 2, 3, 4, 5, 6, 7, 8};
    auto const cut = windows(stream, 3);
    ASSERT_EQ(cut.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) { EXPECT_EQ(cut[i].data(), stream.data() + 3 * i); }
    EXPECT_EQ(cut[1].size(), 3U);
    EXPECT_EQ(cut[2].size(), 2U);
    EXPECT_EQ(windows(Tokens{1, 2, 3, 4}, 3).size(), 1U);  // one token left over predicts nothing
    EXPECT_TRUE(windows(Tokens{1}, 3).empty());
    EXPECT_TRUE(windows(Tokens{}, 3).empty());
    EXPECT_THROW((void)windows(stream, 1), std::logic_error);
}

TEST(Examples, OneEndTokenEach) {
    Tokenizer const tokenizer;
    EXPECT_EQ(make_example(tokenizer, "Q:", " a"), (Example{{'Q', ':'}, {' ', 'a', 256}}));
    EXPECT_EQ(make_example(tokenizer, "", ""), (Example{{}, {256}}));
    std::vector<std::string> const documents{"ab", "", "c"};
    EXPECT_EQ(token_stream(tokenizer, documents), (Tokens{'a', 'b', 256, 256, 'c', 256}));
    EXPECT_TRUE(token_stream(tokenizer, {}).empty());
}

TEST(Fit, ExactlyTheContextFits) {
    Example const example{{1, 2, 3}, {4, 5}};
    for (TooLong const policy : {TooLong::drop, TooLong::truncate_left, TooLong::error}) {
        EXPECT_EQ(fit(example, 5, policy), example);
        EXPECT_EQ(fit(example, 6, policy), example);
        EXPECT_EQ(fit({{}, {1, 2, 3}}, 3, policy), (Example{{}, {1, 2, 3}}));
    }
}

TEST(Fit, Policies) {
    Example const example{{1, 2, 3}, {4, 5}};
    EXPECT_EQ(fit(example, 4, TooLong::drop), std::nullopt);
    EXPECT_EQ(fit(example, 4, TooLong::truncate_left), (Example{{2, 3}, {4, 5}}));
    EXPECT_EQ(fit(example, 3, TooLong::truncate_left), (Example{{3}, {4, 5}}));
    EXPECT_EQ(fit(example, 2, TooLong::truncate_left), std::nullopt);  // no prompt would be left
    EXPECT_EQ(fit({{1}, {2, 3, 4}}, 2, TooLong::truncate_left), std::nullopt);
    EXPECT_EQ(fit({{}, {2, 3, 4}}, 2, TooLong::truncate_left), std::nullopt);
    EXPECT_THROW((void)fit(example, 1, TooLong::drop), std::logic_error);
}

TEST(Fit, ErrorNamesTheRowAndTheLimit) {
    Example const example{{1, 2, 3}, {4, 5}};
    auto const message =
        test::message_of<core::ConfigError>([&] { (void)fit(example, 4, TooLong::error, "pairs.jsonl:7"); });
    test::expect_contains(message, "pairs.jsonl:7: a row of 5 tokens (prompt 3, completion 2)");
    test::expect_contains(message, "model.context = 4");
    test::expect_contains(message, "data.too_long = drop or truncate_left");
}

}  // namespace
}  // namespace alignsweep::data
