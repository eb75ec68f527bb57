// SPDX-License-Identifier: Apache-2.0
#include "store/llama_config.hpp"

#include "core/error.hpp"
#include "store/json_file.hpp"

#include <algorithm>
#include <vector>

namespace alignsweep::store {

namespace {

using core::Json;
using core::shown;

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
        expect("sliding_window", {nullptr});
        expect("use_sliding_window", {false});
        expect("layer_types", {nullptr});
        expect("partial_rotary_factor", {1.0, nullptr});
        expect("quantization_config", {nullptr});
        expect("is_encoder_decoder", {false});
        expect("add_cross_attention", {false});
        config.vocabulary = size("vocab_size");
        config.width = size("hidden_size");
        config.hidden = size("intermediate_size");
        config.depth = size("num_hidden_layers");
        config.heads = size("num_attention_heads");
        config.kv_heads = given("num_key_value_heads") ? size("num_key_value_heads") : config.heads;
        config.context = size("max_position_embeddings");
        check_rope_scaling();
        config.rope_theta = read_rope_theta();
        config.norm_eps = positive(json_, "rms_norm_eps", "rms_norm_eps");
        check_sizes(config);
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
        refuse(key, missing ? " is missing" : " = " + shown(*found), ": not supported; ", shown(allowed.front()),
               " is");
    }

    // True for a reward model.
    [[nodiscard]] bool read_architecture() const {
        if (!given("architectures")) { return false; }
        Json const& names = json_["architectures"];
        std::string const name = names.is_array() && names.size() == 1 && names[0].is_string() ? names[0] : Json("");
        if (name != "LlamaForCausalLM" && name != "LlamaForSequenceClassification") {
            refuse("architectures = ", shown(names),
                   ": not supported; LlamaForCausalLM or LlamaForSequenceClassification is");
        }
        return name == "LlamaForSequenceClassification";
    }

    [[nodiscard]] std::int64_t size(char const* key) const {
        auto const found = json_.find(key);
        if (found == json_.end()) { refuse(key, " is missing"); }
        // What no int64 holds would be read as some other number.
        bool const whole = found->is_number_integer() &&
                           (!found->is_number_unsigned() || found->get<std::uint64_t>() < std::uint64_t{1} << 63);
        if (!whole) { refuse(key, " = ", shown(*found), ": an integer from 1 on is allowed"); }
        return found->get<std::int64_t>();
    }
    [[nodiscard]] double positive(Json const& parent, char const* key, char const* name) const {
        auto const found = parent.find(key);
        if (found == parent.end()) { refuse(name, " is missing"); }
        double const value = found->is_number() ? found->get<double>() : 0.0;
        if (!(value > 0.0) || !std::isfinite(value)) {
            refuse(name, " = ", shown(*found), ": a number above 0 is allowed");
        }
        return value;
    }
    [[nodiscard]] bool flag(char const* key) const {
        if (!json_[key].is_boolean()) { refuse(key, " = ", shown(json_[key]), ": true or false is allowed"); }
        return json_[key].get<bool>();
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

    // Null, or an object that says in so many words that nothing is scaled; older files call the type `type`.
    void check_rope_scaling() const {
        if (!given("rope_scaling")) { return; }
        Json const& scaling = json_["rope_scaling"];
        bool plain = scaling.is_object() && !scaling.empty();
        bool named = false;
        if (plain) {
            for (auto const& [key, value] : scaling.items()) {
                bool const type = key == "rope_type" || key == "type";
                named = named || (type && value == "default");
                plain = plain && (value.is_null() || (type && value == "default") ||
                                  (key == "factor" && value == 1.0) || key == "rope_theta");
            }
        }
        if (!plain || !named) {
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
        if (!new_style) { return positive(json_, "rope_theta", "rope_theta"); }
        Json const& rope = json_["rope_parameters"];
        if (!rope.is_object()) { refuse("rope_parameters is of type ", rope.type_name(), "; an object is allowed"); }
        for (auto const& [key, value] : rope.items()) {
            bool const plain = (key == "rope_type" || key == "type") && value == "default";
            bool const whole = key == "partial_rotary_factor" && value == 1.0;
            if (key == "rope_theta" || plain || whole) { continue; }
            refuse("rope_parameters.", key, " = ", shown(value),
                   ": not supported; rope_theta and rope_type \"default\" are");
        }
        double const theta = positive(rope, "rope_theta", "rope_parameters.rope_theta");
        if (old_style && positive(json_, "rope_theta", "rope_theta") != theta) {
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
