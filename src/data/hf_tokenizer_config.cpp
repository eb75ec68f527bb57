// SPDX-License-Identifier: Apache-2.0
#include "data/hf_tokenizer_config.hpp"

#include "core/error.hpp"
#include "core/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>

namespace alignsweep::data {
namespace {

using core::Json;
using core::shown;

constexpr std::array<char const*, 7> named{"bos_token", "eos_token", "unk_token", "sep_token",
                                           "pad_token", "cls_token", "mask_token"};

class Reader {
public:
    explicit Reader(std::filesystem::path const& folder) : folder_(folder) {}

    std::string add_to(HfTokenizerSpec& spec) {
        Json const config = read("tokenizer_config.json");
        apply_class(config, spec);
        bool const decoder = config.contains("added_tokens_decoder");
        read_special(config);
        read_extra(config, true);
        if (decoder) {
            read_decoder(config["added_tokens_decoder"]);
        } else {
            Json const map = read("special_tokens_map.json");
            read_special(map);
            read_extra(map, false);
            read_added(read("added_tokens.json"));
            // transformers adds the tokens of tokenizer.json once more, in the order of the ids that it says.
            for (auto const& [id, token] : spec.added_in_file) { by_id_[id] = token; }
        }
        file_ = (folder_ / "tokenizer_config.json").string();
        auto const split = config.find("split_special_tokens");
        if (split != config.end() && !split->is_boolean()) {
            fail("split_special_tokens is ", shown(*split), "; true or false is allowed");
        }
        spec.split_special = split != config.end() && split->get<bool>();

        std::vector<AddedToken> tokens;
        std::set<std::string> known;
        for (auto const& [id, token] : spec.added.by_id()) { known.insert(token.text); }
        for (auto const& [id, token] : by_id_) { tokens.push_back(token); }
        for (AddedToken const& token : tokens) { known.insert(token.text); }
        for (AddedToken const& token : special()) {
            bool const again = std::find(tokens.begin(), tokens.end(), token) != tokens.end();
            if (!known.contains(token.text) && !again) { tokens.push_back(token); }
        }
        for (AddedToken& token : tokens) { token.special = token.special || is_named(token.text); }
        spec.added.add(tokens, spec.ids, spec.normalizer);
        auto const end = special_.find("eos_token");
        return end == special_.end() ? std::string() : end->second.text;
    }

private:
    template <class... What>
    [[noreturn]] void fail(What const&... what) const {
        throw core::IoError(file_, ": ", what...);
    }

    // An empty object where there is no such file.
    Json read(char const* name) {
        auto const file = folder_ / name;
        file_ = file.string();
        return std::filesystem::exists(file) ? core::read_json_object(file) : Json::object();
    }

    // Most classes of transformers 5 keep vocabulary and merges of a tokenizer.json alone and build the rest
    // themselves: only where they build what the file says are the tokens those of the file.
    void apply_class(Json const& config, HfTokenizerSpec& spec) {
        std::string name = config.contains("tokenizer_class") && config["tokenizer_class"].is_string()
                               ? config["tokenizer_class"].get<std::string>()
                               : "PreTrainedTokenizer";
        if (name.ends_with("Fast")) { name.resize(name.size() - 4); }
        using Steps = std::vector<SplitKind>;
        bool const bytes = std::find(spec.steps.begin(), spec.steps.end(), SplitKind::bytes) != spec.steps.end();
        bool const as_it_is =
            name == "PreTrainedTokenizer" || name == "TokenizersBackend" || (name == "LlamaTokenizer" && bytes);
        if (as_it_is) { return; }
        bool const prefix = config.contains("add_prefix_space") && config["add_prefix_space"] == true;
        auto const is = [&](Steps steps, bool nfc) {
            if (prefix) { steps.insert(steps.end() - 2 + (nfc ? 1 : 0), SplitKind::prefix); }
            bool const normal =
                nfc ? spec.normalizer.size() == 1 && spec.normalizer[0].kind == NormalizerStep::Kind::nfc
                    : spec.normalizer.empty();
            return normal && spec.steps == steps && !spec.byte_fallback && !spec.ignore_merges;
        };
        bool const gpt2 = name == "GPT2Tokenizer" && is({SplitKind::gpt2, SplitKind::bytes}, false);
        bool const qwen2 = name == "Qwen2Tokenizer" && is({SplitKind::qwen2, SplitKind::bytes}, true);
        if (!gpt2 && !qwen2) {
            fail("tokenizer_class = ", shown(config["tokenizer_class"]),
                 ": transformers builds another tokenizer than this tokenizer.json for it, which is not supported; "
                 "PreTrainedTokenizerFast, which takes the file as it is, is");
        }
        spec.unk_token.clear();
        spec.added = AddedTokens(spec.file);
        for (char const* key : {"unk_token", "eos_token", gpt2 ? "bos_token" : "pad_token"}) {
            special_[key] = token("<|endoftext|>", key, true);
        }
    }

    // A text, or an object as the class AddedToken has it.
    AddedToken token(Json const& json, std::string const& name, std::optional<bool> special) const {
        AddedToken result;
        if (json.is_string()) {
            result.text = json.get<std::string>();
        } else if (json.is_object() && json.contains("content") && json["content"].is_string()) {
            result.text = json["content"].get<std::string>();
        } else {
            fail(name, " is ", shown(json), "; a text or an object with 'content' is allowed");
        }
        auto const flag = [&](char const* key, bool otherwise) {
            auto const found = json.is_object() ? json.find(key) : json.end();
            if (found == json.end() || found->is_null()) { return otherwise; }
            if (!found->is_boolean()) { fail(name, ".", key, " is ", shown(*found), "; true or false is allowed"); }
            return found->get<bool>();
        };
        result.single_word = flag("single_word", false);
        result.lstrip = flag("lstrip", false);
        result.rstrip = flag("rstrip", false);
        result.special = special ? *special : flag("special", false);
        result.normalized = flag("normalized", !result.special);
        return result;
    }

    // The named special tokens: those of `named`, and of any key "..._token" that a model may have besides.
    void read_special(Json const& json) {
        for (auto const& [key, value] : json.items()) {
            bool const is_named = std::find(named.begin(), named.end(), key) != named.end();
            bool const is_other = key.ends_with("_token") && (value.is_string() || value.contains("__type"));
            if (is_named && value.is_null()) { special_.erase(key); }
            if ((is_named && !value.is_null()) || is_other) { special_[key] = token(value, key, true); }
        }
    }

    // Further special tokens; `additional` is the older name, read where the newer one is not there.
    void read_extra(Json const& json, bool is_config) {
        constexpr char const *newer = "extra_special_tokens", *older = "additional_special_tokens";
        auto const list = [&](char const* key) -> Json const& {
            if (!json[key].is_array() && !json[key].is_object() && !json[key].is_null()) {
                fail(key, " is ", shown(json[key]), "; a list or an object of tokens is allowed");
            }
            return json[key];
        };
        bool const has_newer = json.contains(newer), has_older = json.contains(older);
        char const* key = nullptr;
        if (is_config) {
            key = has_older && (!has_newer || list(newer).empty()) ? older : has_newer ? newer : nullptr;
            extra_there_ = key != nullptr && !list(key).is_object();
        } else {
            key = has_newer ? newer : has_older && !extra_there_ ? older : nullptr;
        }
        if (key == nullptr) { return; }
        for (Json const& value : list(key)) { extra_.push_back(token(value, key, true)); }
    }

    void read_decoder(Json const& json) {
        if (!json.is_object()) { fail("added_tokens_decoder is ", shown(json), "; an object is allowed"); }
        for (auto const& [key, value] : json.items()) {
            std::int64_t id = -1;
            auto const [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
            if (error != std::errc() || end != key.data() + key.size() || id < 0) {
                fail("added_tokens_decoder has the key ", shown(key), "; ids are allowed");
            }
            if (!value.is_object()) {
                fail("added_tokens_decoder.", key, " is ", shown(value), "; an object is allowed");
            }
            by_id_[id] = token(value, "added_tokens_decoder." + key, std::nullopt);
        }
    }

    void read_added(Json const& json) {
        for (auto const& [text, id] : json.items()) {
            if (!id.is_number_integer()) { fail(shown(text), " is ", shown(id), "; an id is allowed"); }
            bool const special = is_special(text);
            by_id_[id.get<std::int64_t>()] = {text, false, false, false, !special, special};
        }
    }

    // In the order in which transformers adds them.
    [[nodiscard]] std::vector<AddedToken> special() const {
        std::vector<AddedToken> tokens;
        for (char const* key : named) {
            if (auto const found = special_.find(key); found != special_.end()) { tokens.push_back(found->second); }
        }
        for (auto const& [key, token] : special_) {
            if (std::find(named.begin(), named.end(), key) == named.end()) { tokens.push_back(token); }
        }
        tokens.insert(tokens.end(), extra_.begin(), extra_.end());
        return tokens;
    }
    [[nodiscard]] bool is_named(std::string const& text) const {
        return std::any_of(special_.begin(), special_.end(), [&](auto const& t) { return t.second.text == text; });
    }
    [[nodiscard]] bool is_special(std::string const& text) const {
        return is_named(text) ||
               std::any_of(extra_.begin(), extra_.end(), [&](auto const& t) { return t.text == text; });
    }

    std::filesystem::path folder_;
    std::string file_;
    std::map<std::string, AddedToken> special_;  // by key
    std::vector<AddedToken> extra_;
    bool extra_there_ = false;  // in tokenizer_config.json
    std::map<std::int64_t, AddedToken> by_id_;
};

}  // namespace

std::string add_configured_tokens(std::filesystem::path const& folder, HfTokenizerSpec& spec) {
    return Reader(folder).add_to(spec);
}

}  // namespace alignsweep::data
