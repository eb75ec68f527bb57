// SPDX-License-Identifier: Apache-2.0
// tokenizer.json. Truncation, padding and decoder are left alone: none of them touches the tokens of one whole text.
#include "data/hf_tokenizer.hpp"

#include "core/error.hpp"
#include "data/text.hpp"
#include "data/unicode.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace alignsweep::data {
namespace {

using Json = nlohmann::json;

// GPT-2 writes every byte as a printable character: those that are printable in Latin-1 as themselves, the others, in
// order, as U+0100 and up. Gives the byte of a character, or -1.
int byte_of(char32_t c) {
    auto const printable = [](char32_t x) {
        return (x >= 0x21 && x <= 0x7E) || (x >= 0xA1 && x <= 0xAC) || (x >= 0xAE && x <= 0xFF);
    };
    if (c < 0x100) { return printable(c) ? static_cast<int>(c) : -1; }
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < 0x100 && c < 0x200; ++byte) {
        if (!printable(byte) && next++ == c) { return static_cast<int>(byte); }
    }
    return -1;
}

// The bytes that a token of the vocabulary stands for; nothing where it is written in other characters, so that no
// byte-level text can give it.
std::optional<std::string> bytes_of(std::string_view token) {
    std::string bytes;
    for (std::size_t at = 0; at < token.size();) {
        auto const c = code_point(token, at);
        int const byte = byte_of(c.value);
        if (byte < 0) { return std::nullopt; }
        bytes.push_back(static_cast<char>(byte));
        at += c.bytes;
    }
    return bytes;
}

// Short, and on one line.
std::string shown(Json const& json) {
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() <= 80 ? text : text.substr(0, 77) + "...";
}

class Reader {
public:
    explicit Reader(std::filesystem::path const& file) {
        spec_.file = file.string();
        try {
            json_ = Json::parse(read_text(file));
        } catch (Json::parse_error const& error) { fail("not valid JSON at byte ", error.byte); }
        if (!json_.is_object()) { fail("of type ", json_.type_name(), "; a JSON object is allowed"); }
    }

    HfTokenizerSpec read() {
        expect(json_, "normalizer", "normalizer", {nullptr});
        read_model(object(json_, "model", "model"));
        read_added();
        read_steps(object(json_, "pre_tokenizer", "pre_tokenizer"));
        if (json_.contains("post_processor") && !json_["post_processor"].is_null()) {
            read_post_processor(json_["post_processor"]);
        }
        return std::move(spec_);
    }

private:
    template <class... What>
    [[noreturn]] void fail(What const&... what) const {
        throw core::IoError(core::concat(spec_.file, ": ", what...));
    }

    Json const& object(Json const& parent, char const* key, std::string const& name) const {
        auto const found = parent.find(key);
        if (found == parent.end() || !found->is_object()) { fail(name, " is missing; an object is allowed"); }
        return *found;
    }
    // The value must be one of `allowed`, or left out.
    void expect(Json const& parent, char const* key, std::string const& name, std::vector<Json> const& allowed) const {
        auto const found = parent.find(key);
        if (found == parent.end() || std::find(allowed.begin(), allowed.end(), *found) != allowed.end()) { return; }
        std::string list;
        for (Json const& value : allowed) { list += (list.empty() ? "" : " or ") + value.dump(); }
        fail(name, " is ", shown(*found), ", which is not supported; ", list, " is");
    }
    std::string text(Json const& parent, char const* key, std::string const& name) const {
        auto const found = parent.find(key);
        if (found == parent.end() || !found->is_string()) { fail(name, " has no text under '", key, "'"); }
        return found->get<std::string>();
    }
    bool flag(Json const& parent, char const* key, std::string const& name, bool otherwise) const {
        auto const found = parent.find(key);
        if (found == parent.end()) { return otherwise; }
        if (!found->is_boolean()) { fail(name, ".", key, " is ", shown(*found), "; true or false is allowed"); }
        return found->get<bool>();
    }
    std::int32_t id(Json const& value, std::string const& name) {
        auto const number = value.is_number_integer() ? value.get<std::int64_t>() : -1;
        if (number < 0 || number >= std::int64_t{1} << 30) {
            fail(name, " has the id ", shown(value), "; an integer from 0 to 2^30 - 1 is allowed");
        }
        spec_.vocabulary = std::max(spec_.vocabulary, number + 1);
        return static_cast<std::int32_t>(number);
    }

    void read_model(Json const& model) {
        expect(model, "type", "model.type", {"BPE"});
        expect(model, "dropout", "model.dropout", {nullptr, 0.0});
        expect(model, "unk_token", "model.unk_token", {nullptr});
        expect(model, "continuing_subword_prefix", "model.continuing_subword_prefix", {nullptr, ""});
        expect(model, "end_of_word_suffix", "model.end_of_word_suffix", {nullptr, ""});
        expect(model, "byte_fallback", "model.byte_fallback", {false});
        spec_.ignore_merges = flag(model, "ignore_merges", "model", false);
        for (auto const& [token, value] : object(model, "vocab", "model.vocab").items()) {
            std::int32_t const number = id(value, "model.vocab: " + shown(token));
            if (auto bytes = bytes_of(token); bytes && !bytes->empty()) {
                spec_.ids.emplace(std::move(*bytes), number);
            }
        }
        auto const merges = model.find("merges");
        if (merges == model.end() || !merges->is_array()) { fail("model.merges is missing; a list is allowed"); }
        for (Json const& merge : *merges) { read_merge(merge); }
    }

    void read_merge(Json const& merge) {
        std::string left, right;
        if (merge.is_string()) {
            auto const& both = merge.get_ref<std::string const&>();
            auto const space = both.find(' ');
            if (space != std::string::npos && both.find(' ', space + 1) == std::string::npos) {
                left = both.substr(0, space);
                right = both.substr(space + 1);
            }
        } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
            left = merge[0].get<std::string>();
            right = merge[1].get<std::string>();
        }
        if (left.empty() || right.empty()) {
            fail("merge ", spec_.merges.size(), " is ", shown(merge), "; \"a b\" or [\"a\", \"b\"] is allowed");
        }
        auto const known = [&](std::string const& token) {
            auto const bytes = bytes_of(token);
            auto const found = bytes ? spec_.ids.find(*bytes) : spec_.ids.end();
            if (found == spec_.ids.end()) {
                fail("merge ", spec_.merges.size(), " needs the token ", shown(token), ", which model.vocab lacks");
            }
            return found->second;
        };
        spec_.merges.push_back({known(left), known(right), known(left + right)});
    }

    void read_added() {
        auto const found = json_.find("added_tokens");
        if (found == json_.end() || found->is_null()) { return; }
        if (!found->is_array()) { fail("added_tokens is ", shown(*found), "; a list is allowed"); }
        for (Json const& token : *found) {
            std::string const content = text(token, "content", "an added token");
            std::string const name = "the added token " + shown(content);
            if (content.empty()) { fail("an added token is empty"); }
            for (char const* key : {"single_word", "lstrip", "rstrip"}) {
                expect(token, key, name + ": " + key, {false});
            }
            spec_.added.push_back({content, id(token.value("id", Json()), name)});
        }
    }

    void read_steps(Json const& step) {
        std::string const type = text(step, "type", "pre_tokenizer");
        if (type == "Sequence") {
            auto const found = step.find("pretokenizers");
            if (found == step.end() || !found->is_array()) { fail("pre_tokenizer has no list under 'pretokenizers'"); }
            for (Json const& part : *found) { read_steps(part); }
        } else if (type == "ByteLevel") {
            if (flag(step, "add_prefix_space", "ByteLevel", true)) { spec_.steps.push_back(SplitKind::prefix); }
            if (flag(step, "use_regex", "ByteLevel", true)) { spec_.steps.push_back(SplitKind::gpt2); }
            byte_level_ = true;
        } else if (type == "Digits") {
            bool const alone = flag(step, "individual_digits", "Digits", false);
            spec_.steps.push_back(alone ? SplitKind::digit : SplitKind::digits);
        } else if (type == "Split") {
            expect(step, "behavior", "Split.behavior", {"Isolated"});
            expect(step, "invert", "Split.invert", {false});
            std::string const expression = text(object(step, "pattern", "Split.pattern"), "Regex", "Split.pattern");
            auto const kind = known_pattern(expression);
            if (!kind) {
                fail("the pattern ", shown(expression),
                     " of the pre-tokenizer Split is not supported; those of GPT-2, Llama 3 and Qwen 2 are");
            }
            spec_.steps.push_back(*kind);
        } else {
            fail("the pre-tokenizer ", shown(type), " is not supported; Sequence, Split, Digits and ByteLevel are");
        }
        if (&step == &json_["pre_tokenizer"] && !byte_level_) {
            fail("the pre-tokenizer has no ByteLevel; byte-level BPE alone is supported");
        }
    }

    void read_post_processor(Json const& processor) {
        std::string const type = text(processor, "type", "post_processor");
        if (type == "ByteLevel") { return; }  // moves offsets alone
        if (type == "Sequence") {
            auto const found = processor.find("processors");
            if (found == processor.end() || !found->is_array()) { fail("post_processor has no list 'processors'"); }
            for (Json const& part : *found) { read_post_processor(part); }
            return;
        }
        if (type != "TemplateProcessing" || !processor.contains("single") || !processor["single"].is_array()) {
            fail("the post-processor ", shown(type),
                 " is not supported; Sequence, ByteLevel and TemplateProcessing are");
        }
        bool text_seen = false;
        for (Json const& part : processor["single"]) {
            if (part.is_object() && part.contains("Sequence")) {
                text_seen = true;
                continue;
            }
            std::string const name = text(object(part, "SpecialToken", "a part of the post-processor's template"), "id",
                                          "a special token of the post-processor");
            Json const& tokens = object(processor, "special_tokens", "post_processor.special_tokens");
            Json const& ids =
                object(tokens, name.c_str(), "the special token " + shown(name)).value("ids", Json::array());
            for (Json const& value : ids) {
                (text_seen ? spec_.after : spec_.before).push_back(id(value, "the special token " + shown(name)));
            }
        }
    }

    HfTokenizerSpec spec_;
    Json json_;
    bool byte_level_ = false;
};

}  // namespace

HfTokenizerSpec read_hf_tokenizer(std::filesystem::path const& file) { return Reader(file).read(); }

}  // namespace alignsweep::data
