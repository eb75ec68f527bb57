// SPDX-License-Identifier: Apache-2.0
#include "data/tokenizer.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "data/pieces.hpp"
#include "data/text.hpp"
#include "temporary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace alignsweep::data {
namespace {

using Merges = std::vector<std::array<std::int32_t, 2>>;
using Strings = std::vector<std::string>;

Strings pieces_of(std::string_view text) {
    Strings pieces;
    for_each_piece(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
    return pieces;
}

std::string random_bytes(std::uint32_t step, std::size_t size, std::size_t kinds) {
    core::Draws draws(core::RandomStream(7, "test/bytes"), step);
    std::string text;
    for (std::size_t i = 0; i < size; ++i) { text += static_cast<char>(draws.index(kinds)); }
    return text;
}

Strings sentences() {
    return {"What is the colour of Orin? The colour of Orin is red.\n",
            "Is the colour of Vela green? No, it is blue.\n",
            "How do I mend a kite? Mend a kite with glue, 3 times.\n"};
}

// The plainest BPE: recount everything, merge everywhere. What the incremental trainer must equal.
Merges naive_merges(Strings const& documents, std::int64_t vocabulary) {
    std::vector<std::vector<std::int32_t>> pieces;
    for (std::string const& document : documents) {
        for (std::string const& piece : pieces_of(document)) {
            pieces.emplace_back();
            for (char const byte : piece) { pieces.back().push_back(static_cast<unsigned char>(byte)); }
        }
    }
    Merges merges;
    while (base_vocabulary + std::ssize(merges) < vocabulary) {
        std::map<std::array<std::int32_t, 2>, std::int64_t> counts;
        for (auto const& piece : pieces) {
            for (std::size_t i = 0; i + 1 < piece.size(); ++i) { ++counts[{piece[i], piece[i + 1]}]; }
        }
        auto const best = std::max_element(counts.begin(), counts.end(),
                                           [](auto const& a, auto const& b) { return a.second < b.second; });
        if (best == counts.end() || best->second < 2) { break; }
        auto const token = base_vocabulary + static_cast<std::int32_t>(merges.size());
        merges.push_back(best->first);
        for (auto& piece : pieces) {
            std::vector<std::int32_t> merged;
            for (std::size_t i = 0; i < piece.size(); ++i) {
                bool const match = i + 1 < piece.size() && piece[i] == best->first[0] && piece[i + 1] == best->first[1];
                merged.push_back(match ? token : piece[i]);
                i += match ? 1 : 0;
            }
            piece = merged;
        }
    }
    return merges;
}

TEST(Pieces, CutsWordsNumbersPunctuationAndSpace) {
    EXPECT_EQ(pieces_of("Hello, world 42!"), (Strings{"Hello", ",", " world", " 42", "!"}));
    EXPECT_EQ(pieces_of("a  b"), (Strings{"a", " ", " b"}));
    EXPECT_EQ(pieces_of("a \t b\t c"), (Strings{"a", " \t", " b", "\t", " c"}));
    EXPECT_EQ(pieces_of("a\n\nb \n c "), (Strings{"a", "\n", "\n", "b", " ", "\n", " c", " "}));
    EXPECT_EQ(pieces_of("caf\xc3\xa9 \xe2\x82\xac"), (Strings{"caf\xc3\xa9", " \xe2\x82\xac"}));
    EXPECT_EQ(pieces_of(std::string_view("a\0b", 3)), (Strings{"a", std::string(1, '\0'), "b"}));
    EXPECT_TRUE(pieces_of("").empty());
}

TEST(Pieces, LongRunsAreCutBetweenUtf8Sequences) {
    Strings const ascii = pieces_of(std::string(150, 'a'));
    EXPECT_EQ(ascii, (Strings{std::string(64, 'a'), std::string(64, 'a'), std::string(22, 'a')}));
    std::string euros;
    for (int i = 0; i < 40; ++i) { euros += "\xe2\x82\xac"; }
    Strings const cut = pieces_of(euros);
    ASSERT_EQ(cut.size(), 2U);
    EXPECT_EQ(cut[0].size(), 63U);
    EXPECT_EQ(pieces_of(std::string(100, '\x80')).size(), 2U);  // no sequence begins anywhere
}

TEST(Pieces, JoinedTheyAreTheText) {
    for (std::uint32_t seed = 0; seed < 50; ++seed) {
        // Few kinds of bytes make long runs of whitespace; 256 are all of them.
        std::string const text = random_bytes(seed, 500, seed % 2 == 0 ? 256 : 34);
        std::string joined;
        for (std::string const& piece : pieces_of(text)) {
            EXPECT_GE(piece.size(), 1U);
            EXPECT_LE(piece.size(), longest_piece);
            joined += piece;
        }
        EXPECT_EQ(joined, text);
    }
}

TEST(Tokenizer, WithoutMergesTokensAreBytes) {
    Tokenizer const tokenizer;
    EXPECT_EQ(tokenizer.vocabulary(), 257);
    EXPECT_EQ(tokenizer.encode("a\xff"), (std::vector<std::int32_t>{97, 255}));
    EXPECT_TRUE(tokenizer.encode("").empty());
    EXPECT_EQ(tokenizer.decode({}), "");
}

TEST(Tokenizer, MergesByHand) {
    // "ab" 3 times, "abc" twice, "bc" twice: (a, b) first, then (ab, c); nothing else occurs twice.
    Strings const documents{"abc abc", "ab"};
    Tokenizer const tokenizer = Tokenizer::train(documents, 1000);
    EXPECT_EQ(tokenizer.merges(), (Merges{{'a', 'b'}, {257, 'c'}}));
    EXPECT_EQ(tokenizer.vocabulary(), 259);
    EXPECT_EQ(tokenizer.encode("abcab c"), (std::vector<std::int32_t>{258, 257, ' ', 'c'}));
}

TEST(Tokenizer, TiesGoToTheSmallerIds) {
    Strings const documents{"dc dc ba ba"};
    // (d, c) and (b, a) occur twice, as do (' ', b); (' ', d) once. Smallest left id first: the space.
    EXPECT_EQ(Tokenizer::train(documents, 259).merges(), (Merges{{' ', 'b'}, {'d', 'c'}}));
}

TEST(Tokenizer, TrainingEqualsTheNaiveAlgorithm) {
    EXPECT_EQ(Tokenizer::train(sentences(), 320).merges(), naive_merges(sentences(), 320));
    for (std::uint32_t seed = 0; seed < 20; ++seed) {
        Strings documents;
        // Two to four letters: many overlapping and repeated pairs ("aaaa").
        for (std::uint32_t i = 0; i < 5; ++i) {
            std::string text = random_bytes(100 * seed + i, 120, 2 + seed % 3);
            for (char& c : text) { c = c == 0 && i % 2 == 0 ? ' ' : static_cast<char>('a' + c); }
            documents.push_back(text);
        }
        EXPECT_EQ(Tokenizer::train(documents, 300).merges(), naive_merges(documents, 300)) << "seed " << seed;
    }
}

TEST(Tokenizer, TrainingDoesNotDependOnTheDocumentsOrder) {
    Strings documents = sentences();
    Merges const merges = Tokenizer::train(documents, 300).merges();
    EXPECT_EQ(Tokenizer::train(documents, 300).merges(), merges);
    std::reverse(documents.begin(), documents.end());
    EXPECT_EQ(Tokenizer::train(documents, 300).merges(), merges);
}

TEST(Tokenizer, TrainingAtTheEdges) {
    EXPECT_EQ(Tokenizer::train({}, 640).vocabulary(), 257);
    EXPECT_EQ(Tokenizer::train(Strings{""}, 640).vocabulary(), 257);
    EXPECT_EQ(Tokenizer::train(Strings{"x"}, 640).vocabulary(), 257);
    EXPECT_EQ(Tokenizer::train(sentences(), 257).vocabulary(), 257);
    EXPECT_EQ(Tokenizer::train(sentences(), 258).vocabulary(), 258);
    EXPECT_THROW((void)Tokenizer::train(sentences(), 256), core::ConfigError);
}

TEST(Tokenizer, RoundTripOfAnyBytes) {
    Tokenizer const tokenizer = Tokenizer::train(sentences(), 400);
    Strings texts = sentences();
    texts.insert(texts.end(),
                 {"", " ", "  \n\n ", "Unseen w\xc3\xb6rds: qxz 12345 <|endoftext|>", "\xff\xfe broken \xc3"});
    for (std::uint32_t seed = 0; seed < 50; ++seed) { texts.push_back(random_bytes(seed, 400, 256)); }
    std::string all;
    for (int byte = 0; byte < 256; ++byte) { all += static_cast<char>(byte); }
    texts.push_back(all);
    for (std::string const& text : texts) {
        auto const tokens = tokenizer.encode(text);
        EXPECT_EQ(tokenizer.decode(tokens), text);
        EXPECT_EQ(std::count(tokens.begin(), tokens.end(), end_token), 0);
        EXPECT_EQ(tokenizer.encode(text), tokens);  // from the cache
    }
    EXPECT_LT(tokenizer.encode(texts[0]).size(), texts[0].size() / 2);
}

TEST(Tokenizer, EndTokenDecodesToNothing) {
    Tokenizer const tokenizer;
    EXPECT_EQ(tokenizer.decode(std::vector<std::int32_t>{'a', end_token, 'b', end_token}), "ab");
    EXPECT_THROW((void)tokenizer.decode(std::vector<std::int32_t>{257}), std::logic_error);
    EXPECT_THROW((void)tokenizer.decode(std::vector<std::int32_t>{-1}), std::logic_error);
}

TEST(Tokenizer, FromMergesEncodesAlike) {
    Tokenizer const trained = Tokenizer::train(sentences(), 350);
    Tokenizer const restored(trained.merges());
    EXPECT_EQ(restored.vocabulary(), trained.vocabulary());
    for (std::string const& text : sentences()) { EXPECT_EQ(restored.encode(text), trained.encode(text)); }
}

TEST(Tokenizer, WrongMergesAreRefused) {
    auto const message = [](Merges const& merges) {
        return test::message_of<core::IoError>([&] { Tokenizer tokenizer(merges); });
    };
    test::expect_contains(message({{'a', 257}}), "merge 0 of (97, 257)");
    test::expect_contains(message({{'a', 257}}), "ids 0 to 256 except 256");
    test::expect_contains(message({{'a', 'b'}, {-1, 'b'}}), "merge 1 of (-1, 98)");
    test::expect_contains(message({{256, 'b'}}), "the end token");
    test::expect_contains(message({{'a', 'b'}, {'a', 'b'}}), "comes twice");
    Merges doubling{{'a', 'a'}};
    for (std::int32_t i = 0; i < 40; ++i) { doubling.push_back({257 + i, 257 + i}); }
    test::expect_contains(message(doubling), "at most 4096 are allowed");
}

TEST(Tokenizer, RealText) {
    auto const file = std::filesystem::path(ALIGNSWEEP_TESTS_DIR) / "../../shared/data/tinyshakespeare.txt";
    if (!std::filesystem::exists(file)) { GTEST_SKIP() << file << " is not there; this check needs a real text"; }
    Strings const documents = split_documents(read_text(file));
    EXPECT_GT(documents.size(), 5000U);
    Tokenizer const tokenizer = Tokenizer::train(documents, 1024);
    EXPECT_EQ(tokenizer.vocabulary(), 1024);
    std::size_t bytes = 0;
    std::size_t tokens = 0;
    for (std::string const& document : documents) {
        auto const encoded = tokenizer.encode(document);
        ASSERT_EQ(tokenizer.decode(encoded), document);
        bytes += document.size();
        tokens += encoded.size();
    }
    EXPECT_LT(tokens, bytes / 2);
}

TEST(Tokenizer, LettersAreTheEnumerableWorlds) {
    auto const tokenizer = Tokenizer::letters(4);
    EXPECT_EQ(tokenizer.vocabulary(), 4);
    EXPECT_EQ(tokenizer.end(), 0);
    EXPECT_TRUE(tokenizer.is_letters());
    EXPECT_EQ(tokenizer.encode("abca"), (std::vector<std::int32_t>{1, 2, 3, 1}));
    EXPECT_EQ(tokenizer.decode(std::vector<std::int32_t>{2, 3, 0}), "bc");
    for (char const* unknown : {"d", "A", " ", "`"}) {
        EXPECT_THROW(static_cast<void>(tokenizer.encode(unknown)), core::ConfigError) << unknown;
    }
    EXPECT_THROW(static_cast<void>(Tokenizer::letters(1)), std::logic_error);
    EXPECT_THROW(static_cast<void>(Tokenizer::letters(28)), std::logic_error);
    EXPECT_FALSE(Tokenizer().is_letters());
    EXPECT_EQ(Tokenizer().end(), end_token);
    EXPECT_EQ(end_token_of(257), 256);
    EXPECT_EQ(end_token_of(16), 0);
}

}  // namespace
}  // namespace alignsweep::data
