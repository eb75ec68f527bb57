// SPDX-License-Identifier: Apache-2.0
// Agreement with the package `tokenizers` (golden/hf; golden/README.md), and what a tokenizer.json may not ask for.
#include "data/hf_tokenizer.hpp"

#include "core/error.hpp"
#include "data/unicode.hpp"
#include "temporary.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace alignsweep::data {
namespace {

using Json = nlohmann::json;

std::filesystem::path const golden = std::filesystem::path(ALIGNSWEEP_TESTS_DIR) / "golden/hf";

Json read_json(std::filesystem::path const& file) { return Json::parse(std::ifstream(file)); }

TEST(HfSplit, PiecesAreThoseOfTokenizers) {
    Json const expected = read_json(golden / "expected.json");
    std::map<std::string, SplitKind> const kinds{{"gpt2", SplitKind::gpt2},
                                                 {"llama3", SplitKind::llama3},
                                                 {"qwen2", SplitKind::qwen2},
                                                 {"digit", SplitKind::digit},
                                                 {"digits", SplitKind::digits}};
    ASSERT_EQ(expected["splits"].size(), kinds.size());
    for (auto const& [name, kind] : kinds) {
        auto const& texts = expected["encodings"];
        ASSERT_GT(texts.size(), 30U);
        for (std::size_t i = 0; i < texts.size(); ++i) {
            auto const text = texts[i][0].get<std::string>();
            std::vector<std::string> want = expected["splits"][name][i];
            std::erase(want, "");  // the package gives an empty text one empty piece
            EXPECT_EQ(split_pieces({kind}, text), want) << name << ": " << text;
        }
    }
}

TEST(HfSplit, PrefixAndOrder) {
    using Pieces = std::vector<std::string>;
    EXPECT_EQ(split_pieces({SplitKind::prefix, SplitKind::gpt2}, "a b"), (Pieces{" a", " b"}));
    EXPECT_EQ(split_pieces({SplitKind::prefix, SplitKind::gpt2}, " a"), (Pieces{" a"}));
    EXPECT_EQ(split_pieces({SplitKind::digit, SplitKind::prefix}, "a1"), (Pieces{" a", " 1"}));
    EXPECT_TRUE(split_pieces({SplitKind::prefix}, "").empty());
    EXPECT_FALSE(known_pattern("\\w+"));
}

TEST(Unicode, ClassesAndCodePoints) {
    EXPECT_TRUE(is_letter(U'\u00e9') && is_letter(0x1D4B3) && !is_letter(U'1') && !is_letter(0x301));
    EXPECT_TRUE(is_number(U'\u00bd') && is_number(0x2167) && !is_number(0x11DE3) && is_digit(0x11DE3));
    EXPECT_TRUE(is_space(0x3000) && is_space(0x85) && !is_space(0x200B) && !is_space(0x1C));
    std::string_view const text = "a\u00e9\u65e5\U0001F600";
    std::vector<char32_t> found;
    for (std::size_t at = 0; at < text.size();) {
        auto const c = code_point(text, at);
        found.push_back(c.value);
        at += c.bytes;
    }
    EXPECT_EQ(found, (std::vector<char32_t>{U'a', 0xE9, 0x65E5, 0x1F600}));
    for (std::string_view const broken : {"\xE9", "\xE6\x97", "\xFF\xFF", "\x80"}) {
        EXPECT_EQ(code_point(broken, 0).bytes, 1U);
        EXPECT_GT(code_point(broken, 0).value, 0x10FFFFU);
    }
}

TEST(HfTokenizer, TokensAreThoseOfTransformers) {
    HfTokenizer const tokenizer(golden / "policy/tokenizer.json");
    Json const expected = read_json(golden / "expected.json");
    for (auto const& encoding : expected["encodings"]) {
        auto const text = encoding[0].get<std::string>();
        std::vector<std::int32_t> const want = encoding[1];
        EXPECT_EQ(tokenizer.encode(text), want) << text;
        EXPECT_EQ(tokenizer.encode(text), want) << text << " (from the cache)";
    }
    EXPECT_EQ(tokenizer.id_of("<|end|>"), tokenizer.encode("<|end|>").back());
    EXPECT_EQ(tokenizer.id_of("no token of its"), -1);
}

// The golden tokenizer with something changed.
class Changed : public ::testing::Test {
protected:
    Json json = read_json(golden / "policy/tokenizer.json");

    std::filesystem::path write(std::string const& text) {
        std::ofstream(file_) << text;
        return file_;
    }
    HfTokenizer load() { return HfTokenizer(write(json.dump())); }
    void expect_error(std::string const& text, std::vector<std::string> const& parts) {
        try {
            static_cast<void>(read_hf_tokenizer(write(text)));
            ADD_FAILURE() << "no error: " << parts[0];
        } catch (core::IoError const& error) {
            std::string const what = error.what();
            EXPECT_EQ(what.find('\n'), std::string::npos);
            EXPECT_EQ(what.rfind(file_.string(), 0), 0U) << what;
            for (std::string const& part : parts) { EXPECT_NE(what.find(part), std::string::npos) << what; }
        }
    }

private:
    test::TemporaryFolder folder_;
    std::filesystem::path file_ = folder_.path() / "tokenizer.json";
};

TEST_F(Changed, MergesAsTextsAreThoseAsPairs) {
    auto const before = load().encode("The sea is green.");
    for (Json& merge : json["model"]["merges"]) {
        merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    }
    EXPECT_EQ(load().encode("The sea is green."), before);
}

TEST_F(Changed, IgnoreMergesTakesWholePieces) {
    // A token that no merge makes: found only as a whole piece.
    json["model"]["vocab"]["zqzq"] = 383;
    EXPECT_EQ(load().encode("zqzq").back(), 383);
    json["model"]["ignore_merges"] = false;
    EXPECT_EQ(load().encode("zqzq").size(), 5U);
}

TEST_F(Changed, TheLongestAddedTokenWins) {
    for (char const* text : {"<x>", "<x>y"}) {
        Json token = json["added_tokens"][0];
        token["content"] = text;
        json["added_tokens"].push_back(token);
    }
    auto const tokens = load().encode("<x>y<x>");
    EXPECT_EQ(std::vector(tokens.begin() + 1, tokens.end()), (std::vector<std::int32_t>{383, 382}));
}

TEST_F(Changed, WhatIsNotSupportedIsNamed) {
    auto const with = [&](std::string const& pointer, Json const& value) {
        Json changed = json;
        changed[Json::json_pointer(pointer)] = value;
        return changed.dump();
    };
    expect_error(with("/version", "2.0"), {"version", "2.0"});
    expect_error(with("/normalizer", {{"type", "NFKC"}}), {"normalizer", "NFKC", "Replace"});
    expect_error(with("/normalizer", "NFC"), {"normalizer", "'type'"});
    expect_error(with("/normalizer", {{"type", "Replace"}, {"pattern", {{"Regex", "a"}}}, {"content", ""}}),
                 {"Replace", "Regex"});
    expect_error(with("/normalizer", {{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "a"}}),
                 {"Replace", "pattern"});
    expect_error(with("/normalizer", {{"type", "Sequence"}}), {"normalizer.normalizers is missing"});
    expect_error(with("/model/type", "Unigram"), {"model.type", "Unigram", "BPE"});
    expect_error(with("/model/byte_fallback", 1), {"byte_fallback is 1", "true or false"});
    expect_error(with("/model/dropout", 0.1), {"dropout", "0.1"});
    expect_error(with("/model/unk_token", 5), {"unk_token"});
    expect_error(with("/model/end_of_word_suffix", "</w>"), {"end_of_word_suffix"});
    expect_error(with("/pre_tokenizer", {{"type", "Metaspace"}}), {"Metaspace", "ByteLevel"});
    expect_error(with("/pre_tokenizer/pretokenizers/0/pattern/Regex", "\\w+"), {"Split", "\\\\w+", "Llama 3"});
    expect_error(with("/pre_tokenizer/pretokenizers/0/behavior", "Removed"), {"behavior", "Removed"});
    expect_error(with("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", 3}}), {"pretokenizers is 3", "list"});
    expect_error(with("/post_processor", {{"type", "RobertaProcessing"}}), {"RobertaProcessing"});
    expect_error(with("/post_processor/processors/0", json["post_processor"]["processors"][1]), {"two of"});
    expect_error(with("/post_processor/processors/1/single", Json::array()), {"0 texts"});
    expect_error(with("/post_processor/processors/1/single/1/Sequence/id", "B"), {"post_processor.single", "B"});
    expect_error(with("/added_tokens/0/lstrip", "x"), {"<|begin|>", "lstrip"});
    expect_error(with("/added_tokens/0", {{"content", "<|begin|>"}, {"id", 1}}), {"<|begin|>", "no 'single_word'"});
    expect_error(with("/added_tokens", {{"a", 1}}), {"added_tokens", "list"});
    expect_error(with("/added_tokens/0", 7), {"added token", "'content'"});
    expect_error(with("/added_tokens/0/id", -1), {"<|begin|>", "-1"});
    expect_error(with("/model/merges/3", "a"), {"merge 3"});
    expect_error(with("/model/merges/3", Json::array({"q", "\u0120zz"})), {"merge 3", "lacks"});
    expect_error(with("/model/merges", 3), {"model.merges is 3", "list"});
    expect_error(with("/model/merges/3", Json::array({"a", "b", "c"})), {"merge 3"});
    expect_error(with("/model/vocab", Json::array()), {"model.vocab"});
    expect_error(with("/model/vocab/a", 1.5), {"model.vocab", "1.5"});
}

TEST_F(Changed, TextsThatOnlyTheLibraryWouldDropAreRefused) {
    json["model"]["unk_token"] = "no token of it";
    json["model"]["vocab"].erase("z");
    auto const tokenizer = load();
    EXPECT_NO_THROW(static_cast<void>(tokenizer.encode("a")));
    EXPECT_THROW(static_cast<void>(tokenizer.encode("z")), core::IoError);
}

TEST_F(Changed, DamagedFiles) {
    expect_error("{", {"JSON"});
    expect_error("[]", {"array"});
    expect_error("{}", {"model is missing"});
    expect_error("", {"empty"});
    expect_error("{\n\"version\": " + std::string(75000, '['), {":2: ", "version", "nest deeper"});
    expect_error(R"({"decoder": {"x": 1e400}})", {"decoder.x", "1e400"});
    expect_error(R"({"normalizer": null, "model": {"vocab": {"a": NaN}, "merges": []}})", {"model.vocab", "null"});
    expect_error(R"({"model": {"vocab": {"a": 1, "a": 2}}})", {"model.vocab.a", "twice"});
}

TEST_F(Changed, AByteWithoutTokenIsAnError) {
    json["model"]["vocab"].erase("z");
    EXPECT_NO_THROW(static_cast<void>(load().encode("a")));
    EXPECT_THROW(static_cast<void>(load().encode("z")), core::IoError);
}

}  // namespace
}  // namespace alignsweep::data
