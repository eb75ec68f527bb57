// SPDX-License-Identifier: Apache-2.0
// tokenizer.json. Truncation, padding and decoder are left alone: none of them touches the tokens of one whole text.
#include "data/hf_tokenizer.hpp"

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace alignsweep::data {
namespace {

using core::Json;
using core::shown;

class Reader {
public:
    explicit Reader(std::filesystem::path const& file) {
        spec_.file = file.string();
        spec_.added = AddedTokens(spec_.file);
        json_ = core::read_json_object(file);
    }

    HfTokenizerSpec read() {
        expect(json_, "version", "version", {"1.0"});
        if (given("normalizer")) { read_normalizer(json_["normalizer"]); }
        read_model(object(json_, "model", "model"));
        read_added();
        if (given("pre_tokenizer")) { read_steps(json_["pre_tokenizer"]); }
        if (given("post_processor")) { read_post_processor(json_["post_processor"]); }
        return std::move(spec_);
    }

private:
    template <class... What>
    [[noreturn]] void fail(What const&... what) const {
        throw core::IoError(spec_.file, ": ", what...);
    }

    [[nodiscard]] bool given(char const* key) const { return json_.contains(key) && !json_[key].is_null(); }

    Json const& object(Json const& parent, char const* key, std::string const& name) const {
        auto const found = parent.find(key);
        if (found == parent.end() || !found->is_object()) { fail(name, " is missing; an object is allowed"); }
        return *found;
    }
    Json const& list(Json const& parent, char const* key, std::string const& name) const {
        auto const found = parent.find(key);
        if (found == parent.end() || !found->is_array()) {
            fail(name, found == parent.end() ? " is missing" : " is " + shown(*found), "; a list is allowed");
        }
        return *found;
    }
    // The value must be one of `allowed`, or left out.
    void expect(Json const& parent, char const* key, std::string const& name, std::vector<Json> const& allowed) const {
        auto const found = parent.find(key);
        if (found == parent.end() || std::find(allowed.begin(), allowed.end(), *found) != allowed.end()) { return; }
        std::vector<std::string> words;
        for (Json const& value : allowed) { words.push_back(value.dump()); }
        fail(name, " is ", shown(*found), ", which is not supported; ", core::alternatives(words), " is");
    }
    std::string text(Json const& parent, char const* key, std::string const& name) const {
        auto const found = parent.find(key);
        if (found == parent.end() || !found->is_string()) { fail(name, " has no text under '", key, "'"); }
        return found->get<std::string>();
    }
    bool flag(Json const& parent, char const* key, std::string const& name, bool otherwise) const {
        auto const found = parent.find(key);
        if (found == parent.end() || found->is_null()) { return otherwise; }
        if (!found->is_boolean()) { fail(name, ".", key, " is ", shown(*found), "; true or false is allowed"); }
        return found->get<bool>();
    }
    std::int32_t id(Json const& value, std::string const& name) const {
        auto const number = value.is_number_integer() ? value.get<std::int64_t>() : -1;
        if (number < 0 || number >= std::int64_t{1} << 30) {
            fail(name, " has the id ", shown(value), "; an integer from 0 to 2^30 - 1 is allowed");
        }
        return static_cast<std::int32_t>(number);
    }

    void read_model(Json const& model) {
        expect(model, "type", "model.type", {"BPE"});
        expect(model, "dropout", "model.dropout", {nullptr, 0.0});
        expect(model, "continuing_subword_prefix", "model.continuing_subword_prefix", {nullptr, ""});
        expect(model, "end_of_word_suffix", "model.end_of_word_suffix", {nullptr, ""});
        spec_.ignore_merges = flag(model, "ignore_merges", "model", false);
        spec_.byte_fallback = flag(model, "byte_fallback", "model", false);
        spec_.fuse_unk = flag(model, "fuse_unk", "model", false);
        if (model.contains("unk_token") && !model["unk_token"].is_null()) {
            spec_.unk_token = text(model, "unk_token", "model");
        }
        for (auto const& [token, value] : object(model, "vocab", "model.vocab").items()) {
            spec_.ids.emplace(token, id(value, "model.vocab: " + shown(token)));
        }
        for (Json const& merge : list(model, "merges", "model.merges")) { read_merge(merge); }
    }

    void read_merge(Json const& merge) {
        std::string left, right;
        if (merge.is_string()) {
            auto const& both = merge.get_ref<std::string const&>();
            if (both.starts_with("#version")) { return; }  // a line of merges.txt, which the library passes over
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
            auto const found = spec_.ids.find(token);
            if (found == spec_.ids.end()) {
                fail("merge ", spec_.merges.size(), " needs the token ", shown(token), ", which model.vocab lacks");
            }
            return found->second;
        };
        spec_.merges.push_back({known(left), known(right), known(left + right)});
    }

    // The ids of the file are not those that the tokens get: see AddedTokens::add.
    void read_added() {
        if (!given("added_tokens")) { return; }
        std::vector<AddedToken> tokens;
        for (Json const& token : list(json_, "added_tokens", "added_tokens")) {
            std::string const content = text(token, "content", "an added token");
            std::string const name = "the added token " + shown(content);
            auto const required = [&](char const* key) {
                if (!token.contains(key)) { fail(name, " has no '", key, "'; true or false is needed"); }
                return flag(token, key, name, false);
            };
            std::int64_t const said = id(token.value("id", Json()), name);
            tokens.push_back({content, required("single_word"), required("lstrip"), required("rstrip"),
                              required("normalized"), required("special")});
            spec_.added_in_file.emplace_back(said, tokens.back());
        }
        spec_.added.add(tokens, spec_.ids, spec_.normalizer);
    }

    void read_normalizer(Json const& step) {
        using Kind = NormalizerStep::Kind;
        std::string const type = text(step, "type", "normalizer");
        if (type == "Sequence") {
            for (Json const& part : list(step, "normalizers", "normalizer.normalizers")) { read_normalizer(part); }
        } else if (type == "NFC") {
            spec_.normalizer.push_back({Kind::nfc, {}, {}});
        } else if (type == "Prepend") {
            spec_.normalizer.push_back({Kind::prepend, {}, text(step, "prepend", "the normalizer Prepend")});
        } else if (type == "Replace") {
            Json const& pattern = object(step, "pattern", "the pattern of the normalizer Replace");
            if (!pattern.contains("String") || pattern["String"] == "") {
                fail("the normalizer Replace has the pattern ", shown(pattern),
                     ", which is not supported; {\"String\": \"...\"} is");
            }
            spec_.normalizer.push_back({Kind::replace, text(pattern, "String", "the normalizer Replace"),
                                        text(step, "content", "the normalizer Replace")});
        } else {
            fail("the normalizer ", shown(type), " is not supported; Sequence, NFC, Prepend and Replace are");
        }
    }

    void read_steps(Json const& step) {
        std::string const type = text(step, "type", "pre_tokenizer");
        if (type == "Sequence") {
            for (Json const& part : list(step, "pretokenizers", "pre_tokenizer.pretokenizers")) { read_steps(part); }
        } else if (type == "ByteLevel") {
            if (flag(step, "add_prefix_space", "ByteLevel", true)) { spec_.steps.push_back(SplitKind::prefix); }
            if (flag(step, "use_regex", "ByteLevel", true)) { spec_.steps.push_back(SplitKind::gpt2); }
            spec_.steps.push_back(SplitKind::bytes);
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
    }

    void read_post_processor(Json const& processor) {
        std::string const type = text(processor, "type", "post_processor");
        if (type == "ByteLevel") { return; }  // moves offsets alone
        if (type == "Sequence") {
            for (Json const& part : list(processor, "processors", "post_processor.processors")) {
                read_post_processor(part);
            }
            return;
        }
        if (type != "TemplateProcessing") {
            fail("the post-processor ", shown(type),
                 " is not supported; Sequence, ByteLevel and TemplateProcessing are");
        }
        if (template_seen_) { fail("post_processor has two of TemplateProcessing; one is supported"); }
        template_seen_ = true;
        int texts = 0;
        for (Json const& part : list(processor, "single", "post_processor.single")) {
            if (part.is_object() && part.contains("Sequence")) {
                expect(part["Sequence"], "id", "a text of post_processor.single", {"A"});
                ++texts;
                continue;
            }
            std::string const name = text(object(part, "SpecialToken", "a part of the post-processor's template"), "id",
                                          "a special token of the post-processor");
            Json const& tokens = object(processor, "special_tokens", "post_processor.special_tokens");
            Json const& token = object(tokens, name.c_str(), "the special token " + shown(name));
            for (Json const& value : list(token, "ids", "the special token " + shown(name) + ": ids")) {
                (texts > 0 ? spec_.after : spec_.before).push_back(id(value, "the special token " + shown(name)));
            }
        }
        if (texts != 1) { fail("post_processor.single has ", texts, " texts; one is supported"); }
    }

    HfTokenizerSpec spec_;
    Json json_;
    bool template_seen_ = false;
};

}  // namespace

HfTokenizerSpec read_hf_tokenizer(std::filesystem::path const& file) { return Reader(file).read(); }

}  // namespace alignsweep::data
