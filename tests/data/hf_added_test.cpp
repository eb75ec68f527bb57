// SPDX-License-Identifier: Apache-2.0
// Agreement with the packages `tokenizers` 0.23.3 and `transformers` 5.24 on added tokens, normalizers, unknown
// characters and byte fallback (golden/hf_added.json, made by golden/make_hf_added.py), and what is refused of these.
#include "data/hf_added.hpp"

#include "core/error.hpp"
#include "data/hf_tokenizer_config.hpp"
#include "data/unicode.hpp"
#include "temporary.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace alignsweep::data {
namespace {

using Json = nlohmann::json;

std::filesystem::path const golden = std::filesystem::path(ALIGNSWEEP_TESTS_DIR) / "golden";

Json read_json(std::filesystem::path const& file) { return Json::parse(std::ifstream(file)); }

TEST(HfAdded, TokensAreThoseOfTheLibrary) {
    Json const expected = read_json(golden / "hf_added.json");
    std::vector<std::string> const texts = expected["texts"];
    ASSERT_GT(expected["cases"].size(), 20U);
    for (Json const& item : expected["cases"]) {
        auto const name = item["name"].get<std::string>();
        test::TemporaryFolder const folder;
        auto const write = [&](std::string const& file, Json const& json) {
            std::ofstream(folder.path() / file) << json.dump();
        };
        Json json = read_json(golden / "hf/policy/tokenizer.json");
        json.merge_patch(item["patch"]);
        write("tokenizer.json", json);
        for (auto const& [file, content] : item["files"].items()) { write(file, content); }
        auto spec = read_hf_tokenizer(folder.path() / "tokenizer.json");
        if (!item["files"].empty()) {
            EXPECT_EQ(add_configured_tokens(folder.path(), spec), item["end"].get<std::string>()) << name;
        }
        HfTokenizer const tokenizer(std::move(spec));
        ASSERT_EQ(item["ids"].size(), texts.size());
        for (std::size_t i = 0; i < texts.size(); ++i) {
            EXPECT_EQ(tokenizer.encode(texts[i]), item["ids"][i].get<std::vector<std::int32_t>>())
                << name << ": " << texts[i];
        }
    }
}

AddedToken token(std::string text) { return {std::move(text), false, false, false, true, false}; }

std::string message_of(std::function<void()> const& action) {
    try {
        action();
    } catch (core::IoError const& error) { return error.what(); }
    return "no error";
}

TEST(HfAdded, WhatTheLibraryDoesByChanceIsRefused) {
    Normalizer const nfc{{NormalizerStep::Kind::nfc, {}, {}}};
    AddedTokens twins("f.json");
    EXPECT_EQ(message_of([&] { twins.add({token("\u00e9"), token("e\u0301")}, {}, nfc); }).rfind("f.json: ", 0), 0U);
    AddedTokens same("f.json");
    same.add({token("\u00e9"), token("e\u0301")}, {}, {});
    EXPECT_EQ(same.id_of("e\u0301"), 1);

    AddedTokens empty("f.json");
    Normalizer const without{{NormalizerStep::Kind::replace, "a", ""}};
    EXPECT_NE(message_of([&] { empty.add({token("aa")}, {}, without); }).find("is empty after"), std::string::npos);

    AddedToken eats = token("x"), eaten = token(" ");
    eats.rstrip = eaten.lstrip = true;
    AddedTokens overlapping("f.json");
    overlapping.add({eats, eaten}, {}, {});
    auto const parts = [&](std::string_view text) { (void)overlapping.parts(text, {}, false); };
    EXPECT_NE(message_of([&] { parts("x   y"); }).find("rstrip"), std::string::npos);
    EXPECT_NO_THROW(parts("x y"));
}

TEST(HfAdded, IdsCountTheVocabularyAndNotItsIds) {
    AddedTokens tokens;
    EXPECT_EQ(tokens.id_of("a"), -1);
    tokens.add({token("new"), token("a"), token("")}, {{"a", 7}, {"b", 1}}, {});
    EXPECT_EQ(tokens.id_of("new"), 2);
    EXPECT_EQ(tokens.id_of("a"), 7);
    EXPECT_EQ(tokens.by_id().size(), 2U);
    tokens.add({token("newer")}, {{"a", 7}, {"b", 1}}, {});
    EXPECT_EQ(tokens.id_of("newer"), 8);
}

TEST(Nfc, Composes) {
    EXPECT_EQ(nfc(""), "");
    EXPECT_EQ(nfc("abc \u00e9"), "abc \u00e9");
    EXPECT_EQ(nfc("e\u0301"), "\u00e9");
    EXPECT_EQ(nfc("\u212b"), "\u00c5");
    EXPECT_EQ(nfc("q\u0307\u0323"), "q\u0323\u0307");  // in the order of classes
    EXPECT_EQ(nfc("e\u0323\u0301"), "\u1eb9\u0301");
    EXPECT_EQ(nfc("e\u0301\u0301"), "\u00e9\u0301");  // one alone composes
    EXPECT_EQ(nfc("\u1112\u1161\u11ab"), "\ud55c");
    EXPECT_EQ(nfc("\uac00\u11a8"), "\uac01");
    EXPECT_EQ(nfc("\u0958"), "\u0915\u093c");  // excluded from composition
    EXPECT_EQ(nfc("\u0344"), "\u0308\u0301");
    EXPECT_EQ(nfc("\U0001d15e"), "\U0001d157\U0001d165");
    EXPECT_EQ(nfc("\u09c7\u09be"), "\u09cb");
    EXPECT_EQ(nfc("\u0301"), "\u0301");
    EXPECT_EQ(nfc(std::string_view("a\xff\xcc", 3)), std::string("a\xff\xcc"));
}

class Configured : public ::testing::Test {
protected:
    std::string error(char const* file, std::string const& content) {
        test::TemporaryFolder const folder;
        std::filesystem::copy(golden / "hf/policy/tokenizer.json", folder.path());
        std::ofstream(folder.path() / file) << content;
        auto spec = read_hf_tokenizer(folder.path() / "tokenizer.json");
        std::string const message = message_of([&] { (void)add_configured_tokens(folder.path(), spec); });
        std::string const place = (folder.path() / file).string();
        return message.rfind(place, 0) == 0 ? message.substr(place.size()) : message;
    }
};

TEST_F(Configured, MissingFilesAddNothing) {
    test::TemporaryFolder const folder;
    auto spec = read_hf_tokenizer(golden / "hf/policy/tokenizer.json");
    EXPECT_EQ(add_configured_tokens(folder.path(), spec), "");
    EXPECT_EQ(spec.added.by_id().size(), 2U);
}

TEST_F(Configured, WhatIsWrongIsOneLine) {
    char const* const config = "tokenizer_config.json";
    EXPECT_EQ(error(config, "[]"), ": of type array; a JSON object is allowed");
    EXPECT_EQ(error(config, R"({"eos_token": 3})"), ": eos_token is 3; a text or an object with 'content' is allowed");
    EXPECT_EQ(error(config, R"({"eos_token": {"content": "a", "lstrip": "x"}})"),
              ": eos_token.lstrip is \"x\"; true or false is allowed");
    EXPECT_EQ(error(config, R"({"split_special_tokens": 1})"), ": split_special_tokens is 1; true or false is allowed");
    EXPECT_EQ(error(config, R"({"added_tokens_decoder": {"x": {}}})"),
              ": added_tokens_decoder has the key \"x\"; ids are allowed");
    EXPECT_EQ(error(config, R"({"added_tokens_decoder": []})"), ": added_tokens_decoder is []; an object is allowed");
    EXPECT_EQ(error(config, R"({"additional_special_tokens": 5})"),
              ": additional_special_tokens is 5; a list or an object of tokens is allowed");
    EXPECT_EQ(error("added_tokens.json", R"({"a": "b"})"), ": \"a\" is \"b\"; an id is allowed");
    EXPECT_NE(error("special_tokens_map.json", R"({"a": 1e400})").find("1e400"), std::string::npos);
    EXPECT_NE(error(config, R"({"tokenizer_class": "Qwen2Tokenizer"})").find("PreTrainedTokenizerFast"),
              std::string::npos);
    EXPECT_NE(error(config, std::string(75000, '[')).find("nest deeper"), std::string::npos);
}

}  // namespace
}  // namespace alignsweep::data
