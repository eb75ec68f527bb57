// SPDX-License-Identifier: Apache-2.0
#include "store/llama_config.hpp"

#include "store/temporary_folder.hpp"

#include <nlohmann/json.hpp>

namespace alignsweep::store {
namespace {

using Json = nlohmann::json;
using testing::message_of;
using testing::overwrite;
using testing::TemporaryFolder;

class LlamaConfigFile : public ::testing::Test {
protected:
    TemporaryFolder folder;
    Json json{{"model_type", "llama"},
              {"architectures", {"LlamaForCausalLM"}},
              {"vocab_size", 100},
              {"hidden_size", 64},
              {"intermediate_size", 96},
              {"num_hidden_layers", 3},
              {"num_attention_heads", 4},
              {"num_key_value_heads", 2},
              {"max_position_embeddings", 512},
              {"rms_norm_eps", 1e-5},
              {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 5e5}}},
              {"tie_word_embeddings", true},
              {"head_dim", 16},
              {"eos_token_id", 7}};

    LlamaConfig read() {
        overwrite(folder / "config.json", json.dump());
        return read_llama_config(folder.path());
    }
    // With one key changed, the folder is refused for the reason given.
    void expect_refused(std::string const& pointer, Json const& value, std::string const& part) {
        Json const before = json;
        json[Json::json_pointer(pointer)] = value;
        auto const message = message_of<core::ConfigError>([&] { (void)read(); });
        EXPECT_CONTAINS(message, part);
        EXPECT_CONTAINS(message, "config.json");
        json = before;
    }
};

TEST_F(LlamaConfigFile, EveryField) {
    auto const config = read();
    EXPECT_EQ(config.vocabulary, 100);
    EXPECT_EQ(config.width, 64);
    EXPECT_EQ(config.hidden, 96);
    EXPECT_EQ(config.depth, 3);
    EXPECT_EQ(config.heads, 4);
    EXPECT_EQ(config.kv_heads, 2);
    EXPECT_EQ(config.context, 512);
    EXPECT_EQ(config.rope_theta, 5e5);
    EXPECT_EQ(config.norm_eps, 1e-5);
    EXPECT_TRUE(config.tied);
    EXPECT_FALSE(config.scalar_head);
    EXPECT_EQ(config.end_token, 7);
}

TEST_F(LlamaConfigFile, OldStyleAndWhatMayBeLeftOut) {
    json.erase("rope_parameters");
    json["rope_theta"] = 10000;
    json["rope_scaling"] = nullptr;
    json["architectures"] = {"LlamaForSequenceClassification"};
    json["eos_token_id"] = {7, 8};
    for (char const* key : {"tie_word_embeddings", "num_key_value_heads", "head_dim"}) { json.erase(key); }
    auto const config = read();
    EXPECT_EQ(config.rope_theta, 10000.0);
    EXPECT_TRUE(config.scalar_head);
    EXPECT_FALSE(config.tied);
    EXPECT_EQ(config.kv_heads, 4);
    EXPECT_EQ(config.end_token, -1);
}

TEST_F(LlamaConfigFile, WhatIsNotSupportedIsRefused) {
    expect_refused("/model_type", "mistral", "model_type = \"mistral\"");
    expect_refused("/architectures", {"LlamaForTokenClassification"}, "LlamaForTokenClassification");
    expect_refused("/architectures", Json::array({"a", "b"}), "architectures");
    expect_refused("/hidden_act", "gelu", "silu");
    expect_refused("/attention_bias", true, "attention_bias");
    expect_refused("/mlp_bias", true, "mlp_bias");
    expect_refused("/sliding_window", 128, "sliding_window");
    expect_refused("/rope_scaling", {{"rope_type", "llama3"}}, "rope_scaling");
    expect_refused("/rope_parameters/rope_type", "yarn", "rope_parameters.rope_type");
    expect_refused("/rope_parameters/factor", 8.0, "rope_parameters.factor");
    expect_refused("/partial_rotary_factor", 0.5, "partial_rotary_factor");
    expect_refused("/quantization_config", {{"bits", 4}}, "quantization_config");
    expect_refused("/head_dim", 32, "head_dim = 32");
    expect_refused("/num_attention_heads", 5, "64 / 5");
    expect_refused("/num_key_value_heads", 3, "num_key_value_heads = 3");
    expect_refused("/rope_theta", 123.0, "differ");
    expect_refused("/rope_parameters/rope_theta", 0, "rope_parameters.rope_theta");
    expect_refused("/rms_norm_eps", -1, "rms_norm_eps");
    expect_refused("/vocab_size", 0, "vocab_size");
    expect_refused("/hidden_size", 64.5, "hidden_size");
    expect_refused("/tie_word_embeddings", "yes", "tie_word_embeddings");
}

TEST_F(LlamaConfigFile, ThetaHasNoDefault) {
    json.erase("rope_parameters");
    EXPECT_CONTAINS(message_of<core::ConfigError>([&] { (void)read(); }), "rope_theta");
    json["rope_parameters"] = {{"rope_type", "default"}};
    EXPECT_CONTAINS(message_of<core::ConfigError>([&] { (void)read(); }), "rope_parameters.rope_theta is missing");
}

TEST_F(LlamaConfigFile, FilesThatAreNone) {
    EXPECT_CONTAINS(message_of<core::IoError>([&] { (void)read_llama_config(folder.path()); }), "no such file");
    overwrite(folder / "config.json", "{");
    EXPECT_CONTAINS(message_of<core::IoError>([&] { (void)read_llama_config(folder.path()); }), "JSON");
    overwrite(folder / "config.json", "[]");
    EXPECT_CONTAINS(message_of<core::IoError>([&] { (void)read_llama_config(folder.path()); }), "array");
}

TEST_F(LlamaConfigFile, JsonWithoutBounds) {
    std::string const deep = "{\"x\":" + std::string(75'000, '[') + std::string(75'000, ']') + "}";
    for (char const* name : {"config.json", "tokenizer_config.json"}) {
        auto const read_it = [&] {
            if (std::string(name) == "config.json") {
                (void)read_llama_config(folder.path());
            } else {
                (void)tokenizer_switch(folder.path(), "x");
            }
        };
        overwrite(folder / name, deep);
        EXPECT_CONTAINS(message_of<core::IoError>(read_it), "nest deeper");
        overwrite(folder / name, "{\n\"unread\": 1e400}");
        EXPECT_CONTAINS(message_of<core::IoError>(read_it), ":2: field 'unread'");
    }
}

TEST_F(LlamaConfigFile, RopeScalingThatScalesNothing) {
    for (Json const& plain : {Json(nullptr), Json{{"rope_type", "default"}}, Json{{"type", "default"}},
                              Json{{"type", "default"}, {"rope_type", "default"}, {"factor", nullptr}}}) {
        json["rope_scaling"] = plain;
        EXPECT_EQ(read().rope_theta, 5e5) << plain;
    }
    json.erase("rope_scaling");
    for (Json const& other : {Json::object(), Json::array(), Json(1), Json{{"factor", 2.0}},
                              Json{{"rope_type", nullptr}}, Json{{"rope_type", "default"}, {"factor", 2.0}},
                              Json{{"type", "linear"}}, Json{{"rope_type", "default"}, {"type", "yarn"}}}) {
        expect_refused("/rope_scaling", other, "rope_scaling");
    }
}

TEST_F(LlamaConfigFile, SizesThatNoIntegerHolds) {
    expect_refused("/vocab_size", 1LL << 40, "vocab_size = 1099511627776");
    expect_refused("/hidden_size", 18446744073709551615ULL, "hidden_size");
    expect_refused("/num_attention_heads", 1LL << 40, "num_attention_heads");
    expect_refused("/max_position_embeddings", 0, "max_position_embeddings = 0");
}

TEST_F(LlamaConfigFile, TokenizerConfig) {
    EXPECT_EQ(tokenizer_switch(folder.path(), "add_bos_token"), -1);
    overwrite(folder / "tokenizer_config.json", R"({"add_bos_token": true})");
    EXPECT_EQ(tokenizer_switch(folder.path(), "add_bos_token"), 1);
    EXPECT_FALSE(has_chat_template(folder.path()));
    overwrite(folder / "chat_template.jinja", "{{ messages }}");
    EXPECT_TRUE(has_chat_template(folder.path()));
}

}  // namespace
}  // namespace alignsweep::store
