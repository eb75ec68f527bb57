// SPDX-License-Identifier: Apache-2.0
#include "store/llama_config.hpp"

#include "core/error.hpp"
#include "store/json_file.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace alignsweep::store {

namespace {

using Json = nlohmann::json;

class Reader {
public:
    explicit Reader(std::filesystem::path const& file) : file_(file.string()), json_(read_json_object(file)) {}

    LlamaConfig read() {
        expect("model_type", {"llama"});
        LlamaConfig config;
        config.scalar_head = read_architecture();
        // What a Llama may have besides, and this program's has not.
        expect("hidden_act", {"silu"});
        expect("attention_bias", {false});
        expect("mlp_bias", {false});
        expect("rope_scaling", {nullptr});
        expect("sliding_window", {nullptr});
        expect("use_sliding_window", {false});
        expect("layer_types", {nullptr});
        expect("partial_rotary_factor", {1.0, nullptr});
        expect("quantization_config", {nullptr});
        expect("is_encoder_decoder", {false});
        expect("add_cross_attention", {false});
        config.vocabulary = size("vocab_size", 1 << 24);
        config.width = size("hidden_size", 1 << 16);
        config.hidden = size("intermediate_size", 1 << 20);
        config.depth = size("num_hidden_layers", 4096);
        config.heads = size("num_attention_heads", 4096);
        config.kv_heads = given("num_key_value_heads") ? size("num_key_value_heads", 4096) : config.heads;
        config.context = size("max_position_embeddings", 1 << 24);
        check_heads(config);
        config.rope_theta = read_rope_theta();
        config.norm_eps = positive(json_, "rms_norm_eps", "rms_norm_eps");
        config.tied = given("tie_word_embeddings") && flag("tie_word_embeddings");
        if (given("eos_token_id") && json_["eos_token_id"].is_number_unsigned()) {
            config.end_token = json_["eos_token_id"].get<std::int64_t>();
        }
        return config;
    }

private:
    template <class... What>
    [[noreturn]] void refuse(What const&... what) const {
        throw core::ConfigError(core::concat(file_, ": ", what...));
    }

    [[nodiscard]] bool given(char const* key) const { return json_.contains(key) && !json_[key].is_null(); }

    // One of `allowed`, or left out (but for model_type, which says what all this is about).
    void expect(char const* key, std::vector<Json> const& allowed) const {
        auto const found = json_.find(key);
        bool const missing = found == json_.end();
        if (missing && std::string(key) != "model_type") { return; }
        if (!missing && std::find(allowed.begin(), allowed.end(), *found) != allowed.end()) { return; }
        refuse(key, missing ? " is missing" : " = " + found->dump(-1, ' ', true), ": not supported; ",
               allowed.front().dump(), " is");
    }

    // True for a reward model.
    [[nodiscard]] bool read_architecture() const {
        if (!given("architectures")) { return false; }
        Json const& names = json_["architectures"];
        std::string const name = names.is_array() && names.size() == 1 && names[0].is_string() ? names[0] : Json("");
        if (name != "LlamaForCausalLM" && name != "LlamaForSequenceClassification") {
            refuse("architectures = ", names.dump(-1, ' ', true),
                   ": not supported; LlamaForCausalLM or LlamaForSequenceClassification is");
        }
        return name == "LlamaForSequenceClassification";
    }

    [[nodiscard]] std::int64_t size(char const* key, std::int64_t most) const {
        auto const found = json_.find(key);
        if (found == json_.end()) { refuse(key, " is missing"); }
        auto const value = found->is_number_integer() ? found->get<std::int64_t>() : 0;
        if (value < 1 || value > most) {
            refuse(key, " = ", found->dump(-1, ' ', true), ": an integer from 1 to ", most, " is allowed");
        }
        return value;
    }
    [[nodiscard]] double positive(Json const& parent, char const* key, char const* name) const {
        auto const found = parent.find(key);
        if (found == parent.end()) { refuse(name, " is missing"); }
        double const value = found->is_number() ? found->get<double>() : 0.0;
        if (!(value > 0.0) || !std::isfinite(value)) {
            refuse(name, " = ", found->dump(-1, ' ', true), ": a number above 0 is allowed");
        }
        return value;
    }
    [[nodiscard]] bool flag(char const* key) const {
        if (!json_[key].is_boolean()) {
            refuse(key, " = ", json_[key].dump(-1, ' ', true), ": true or false is allowed");
        }
        return json_[key].get<bool>();
    }

    void check_heads(LlamaConfig const& config) const {
        std::int64_t const head_dim = config.width / config.heads;
        if (config.width % config.heads != 0 || head_dim % 2 != 0 || head_dim > 128) {
            refuse("hidden_size / num_attention_heads = ", config.width, " / ", config.heads,
                   ": an even quotient of at most 128 is supported");
        }
        if (config.heads % config.kv_heads != 0) {
            refuse("num_key_value_heads = ", config.kv_heads, ": a divisor of num_attention_heads = ", config.heads,
                   " is allowed");
        }
        if (given("head_dim") && json_["head_dim"] != Json(head_dim)) {
            refuse("head_dim = ", json_["head_dim"].dump(-1, ' ', true),
                   ": not supported; hidden_size / num_attention_heads = ", head_dim, " is");
        }
    }

    // From `rope_theta`, as transformers 4 writes it, or `rope_parameters`, as transformers 5 does.
    [[nodiscard]] double read_rope_theta() const {
        bool const old_style = given("rope_theta"), new_style = given("rope_parameters");
        if (!old_style && !new_style) {
            refuse("neither rope_theta nor rope_parameters.rope_theta is there; one is needed");
        }
        if (!new_style) { return positive(json_, "rope_theta", "rope_theta"); }
        Json const& rope = json_["rope_parameters"];
        if (!rope.is_object()) { refuse("rope_parameters is of type ", rope.type_name(), "; an object is allowed"); }
        for (auto const& [key, value] : rope.items()) {
            bool const plain = (key == "rope_type" || key == "type") && value == "default";
            bool const whole = key == "partial_rotary_factor" && value == 1.0;
            if (key == "rope_theta" || plain || whole) { continue; }
            refuse("rope_parameters.", key, " = ", value.dump(-1, ' ', true).substr(0, 60),
                   ": not supported; rope_theta and rope_type \"default\" are");
        }
        double const theta = positive(rope, "rope_theta", "rope_parameters.rope_theta");
        if (old_style && positive(json_, "rope_theta", "rope_theta") != theta) {
            refuse("rope_theta = ", json_["rope_theta"].dump(),
                   " and rope_parameters.rope_theta = ", rope["rope_theta"].dump(), " differ");
        }
        return theta;
    }

    std::string file_;
    Json json_;
};

Json tokenizer_config(std::filesystem::path const& folder) {
    auto const file = folder / "tokenizer_config.json";
    return std::filesystem::exists(file) ? read_json_object(file) : Json::object();
}

}  // namespace

LlamaConfig read_llama_config(std::filesystem::path const& folder) { return Reader(folder / "config.json").read(); }

int tokenizer_switch(std::filesystem::path const& folder, char const* name) {
    Json const config = tokenizer_config(folder);
    auto const found = config.find(name);
    return found == config.end() || !found->is_boolean() ? -1 : found->get<bool>() ? 1 : 0;
}

bool has_chat_template(std::filesystem::path const& folder) {
    Json const config = tokenizer_config(folder);
    auto const found = config.find("chat_template");
    return (found != config.end() && !found->is_null()) || std::filesystem::exists(folder / "chat_template.jinja") ||
           std::filesystem::exists(folder / "chat_template.json");
}

}  // namespace alignsweep::store
