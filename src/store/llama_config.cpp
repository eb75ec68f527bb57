// SPDX-License-Identifier: Apache-2.0
#include "store/llama_config.hpp"

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace alignsweep::store {

namespace {

using core::Json;
using core::shown;

class Reader {
public:
    explicit Reader(std::filesystem::path const& file) : file_(file.string()), json_(core::read_json_object(file)) {}

    LlamaConfig read() {
        if (!json_.contains("model_type")) { refuse("model_type is missing: not supported; \"llama\" is"); }
        expect("model_type", {"llama"});
        Json const reward = Json::array({"LlamaForSequenceClassification"});
        expect("architectures", {Json::array({"LlamaForCausalLM"}), reward, nullptr});
        // What a Llama may have besides, and this program's has not.
        expect("hidden_act", {"silu"});
        expect("attention_bias", {false});
        expect("mlp_bias", {false});
        expect("sliding_window", {nullptr});
        expect("use_sliding_window", {false});
        expect("layer_types", {nullptr});
        expect("partial_rotary_factor", {1.0, nullptr});
        expect("quantization_config", {nullptr});
        expect("is_encoder_decoder", {false});
        expect("add_cross_attention", {false});
        expect("tie_word_embeddings", {true, false, nullptr});
        LlamaConfig config;
        config.scalar_head = json_.value("architectures", Json()) == reward;
        config.vocabulary = size("vocab_size");
        config.width = size("hidden_size");
        config.hidden = size("intermediate_size");
        config.depth = size("num_hidden_layers");
        config.heads = size("num_attention_heads");
        config.kv_heads = given("num_key_value_heads") ? size("num_key_value_heads") : config.heads;
        config.context = size("max_position_embeddings");
        check_rope_scaling();
        config.rope_theta = read_rope_theta();
        config.norm_eps = positive(json_, "rms_norm_eps");
        check_sizes(config);
        config.tied = json_.value("tie_word_embeddings", Json()) == true;
        if (given("eos_token_id") && json_["eos_token_id"].is_number_unsigned()) {
            config.end_token = json_["eos_token_id"].get<std::int64_t>();
        }
        return config;
    }

private:
    template <class... What>
    [[noreturn]] void refuse(What const&... what) const {
        throw core::ConfigError(file_, ": ", what...);
    }

    [[nodiscard]] bool given(char const* key) const { return json_.contains(key) && !json_[key].is_null(); }

    // One of `allowed`, or left out.
    void expect(char const* key, std::vector<Json> const& allowed) const {
        auto const found = json_.find(key);
        if (found == json_.end() || std::find(allowed.begin(), allowed.end(), *found) != allowed.end()) { return; }
        std::vector<std::string> words;
        for (Json const& value : allowed) { words.push_back(value.dump()); }
        refuse(key, " = ", shown(*found), ": not supported; ", core::alternatives(words), " is");
    }

    [[nodiscard]] std::int64_t size(char const* key) const {
        auto const found = json_.find(key);
        if (found == json_.end()) { refuse(key, " is missing"); }
        // What no int64 holds turns negative.
        if (!found->is_number_unsigned() || found->get<std::int64_t>() < 0) {
            refuse(key, " = ", shown(*found), ": an integer from 1 on is allowed");
        }
        return found->get<std::int64_t>();
    }
    [[nodiscard]] double positive(Json const& parent, char const* key, char const* above = "") const {
        auto const found = parent.find(key);
        if (found == parent.end()) { refuse(above, key, " is missing"); }
        double const value = found->is_number() ? found->get<double>() : 0.0;
        if (!(value > 0.0) || !std::isfinite(value)) {
            refuse(above, key, " = ", shown(*found), ": a number above 0 is allowed");
        }
        return value;
    }

    void check_sizes(LlamaConfig const& config) const {
        constexpr SizeNames names{
            "vocab_size",          "hidden_size",       "num_hidden_layers",       "num_attention_heads",
            "num_key_value_heads", "intermediate_size", "max_position_embeddings", "rope_theta",
            "rms_norm_eps"};
        if (auto const defect = size_defect(config, names); !defect.empty()) { refuse(defect); }
        std::int64_t const head_dim = config.width / config.heads;
        if (given("head_dim") && json_["head_dim"] != Json(head_dim)) {
            refuse("head_dim = ", shown(json_["head_dim"]),
                   ": not supported; hidden_size / num_attention_heads = ", head_dim, " is");
        }
    }

    // An object that says in so many words that nothing is scaled; older files call the type `type`.
    Json const& plain_rope(char const* name) const {
        Json const& rope = json_[name];
        if (!rope.is_object()) { refuse(name, " is of type ", rope.type_name(), "; an object is allowed"); }
        for (auto const& [key, value] : rope.items()) {
            bool const type = (key == "rope_type" || key == "type") && value == "default";
            bool const factor = (key == "factor" || key == "partial_rotary_factor") && value == 1.0;
            if (type || factor || value.is_null() || key == "rope_theta") { continue; }
            refuse(name, ".", key, " = ", shown(value), R"(: not supported; rope_theta and rope_type "default" are)");
        }
        return rope;
    }

    void check_rope_scaling() const {
        if (!given("rope_scaling")) { return; }
        Json const& scaling = plain_rope("rope_scaling");
        if (scaling.value("rope_type", Json()) != "default" && scaling.value("type", Json()) != "default") {
            refuse("rope_scaling = ", shown(scaling), R"(: not supported; null or {"rope_type": "default"} is)");
        }
        // transformers takes this one before the outer one; which was meant is not ours to guess.
        auto const inner = scaling.find("rope_theta");
        if (inner != scaling.end() && !inner->is_null() && (!given("rope_theta") || *inner != json_["rope_theta"])) {
            refuse("rope_scaling.rope_theta = ", shown(*inner), ": not supported; that of rope_theta is");
        }
    }

    // From `rope_theta`, as transformers 4 writes it, or `rope_parameters`, as transformers 5 does.
    [[nodiscard]] double read_rope_theta() const {
        bool const old_style = given("rope_theta"), new_style = given("rope_parameters");
        if (!old_style && !new_style) {
            refuse("neither rope_theta nor rope_parameters.rope_theta is there; one is needed");
        }
        if (!new_style) { return positive(json_, "rope_theta"); }
        Json const& rope = plain_rope("rope_parameters");
        double const theta = positive(rope, "rope_theta", "rope_parameters.");
        if (old_style && positive(json_, "rope_theta") != theta) {
            refuse("rope_theta = ", shown(json_["rope_theta"]),
                   " and rope_parameters.rope_theta = ", shown(rope["rope_theta"]), " differ");
        }
        return theta;
    }

    std::string file_;
    Json json_;
};

Json tokenizer_config(std::filesystem::path const& folder) {
    auto const file = folder / "tokenizer_config.json";
    return std::filesystem::exists(file) ? core::read_json_object(file) : Json::object();
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
