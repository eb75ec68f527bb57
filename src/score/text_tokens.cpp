// SPDX-License-Identifier: Apache-2.0
#include "score/score_rows.hpp"

#include "config/checks.hpp"
#include "data/hf_tokenizer_config.hpp"
#include "stages/artifacts.hpp"
#include "store/llama_config.hpp"
#include "store/manifest.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

namespace alignsweep::score {

namespace fs = std::filesystem;

namespace {

// The corpus stage that a stage comes from.
std::optional<fs::path> corpus_of(fs::path const& stage) {
    std::vector<fs::path> left{fs::absolute(stage).lexically_normal()};
    if (!left[0].has_filename()) { left[0] = left[0].parent_path(); }
    fs::path const stages = left[0].parent_path();
    std::set<fs::path> seen;
    while (!left.empty()) {
        fs::path const folder = left.back();
        left.pop_back();
        auto const manifest = seen.insert(folder).second ? store::read_manifest(folder) : std::nullopt;
        if (!manifest) { continue; }
        if (manifest->inputs.empty()) {  // the corpus, the only stage without inputs
            store::verify_files(folder, *manifest);
            return folder;
        }
        for (auto const& [role, id] : manifest->inputs) { left.push_back(stages / fs::path(id).filename()); }
    }
    return std::nullopt;
}

// transformers would let a switch overrule the template of tokenizer.json.
void check_switch(fs::path const& folder, char const* name, bool by_template) {
    int const wanted = store::tokenizer_switch(folder, name);
    config::require(wanted < 0 || (wanted == 1) == by_template, (folder / "tokenizer_config.json").string(), ": ", name,
                    " = ", wanted == 1 ? "true" : "false", ", but tokenizer.json's post_processor ",
                    by_template ? "adds one" : "adds none", "; the two must agree");
}

}  // namespace

void TextTokens::use_corpus(fs::path const& folder) {
    auto const tokenizer = std::make_shared<data::Tokenizer const>(stages::load_tokenizer(folder));
    encode_ = [tokenizer](std::string const& text) { return tokenizer->encode(text); };
    end_token_ = tokenizer->end();
}

void TextTokens::use_tokenizer_json(fs::path const& file) {
    fs::path const folder = file.parent_path();
    auto spec = data::read_hf_tokenizer(file);
    end_text_ = data::add_configured_tokens(folder, spec);
    check_switch(folder, "add_bos_token", !spec.before.empty());
    check_switch(folder, "add_eos_token", !spec.after.empty());
    auto const tokenizer = std::make_shared<data::HfTokenizer const>(std::move(spec));
    encode_ = [tokenizer](std::string const& text) { return tokenizer->encode(text); };
    if (end_text_.empty()) {
        auto const id = fs::exists(folder / "config.json") ? store::read_llama_config(folder).end_token : -1;
        if (id < 0) {
            throw core::IoError(folder.string(), ": no end token: neither eos_token in tokenizer_config.json nor one ",
                                "eos_token_id in config.json");
        }
        end_token_ = static_cast<std::int32_t>(id);
    }
    if (store::has_chat_template(folder)) {
        chat_defect_ = folder.string() +
                       " has a chat template, which can't be applied here; plain texts (with the "
                       "template applied) or token ids are allowed";
    }
}

TextTokens::TextTokens(infer::ModelSource const& model, fs::path const& tokenizer) {
    fs::path const place = !tokenizer.empty() ? tokenizer : model.is_checkpoint() ? fs::path() : model.folder;
    if (place.empty()) {
        auto const corpus = corpus_of(model.folder);
        if (!corpus) {
            throw core::IoError(model.folder.string(), ": no corpus stage with its tokenizer beside it; allowed: ",
                                "--tokenizer, or data of token ids");
        }
        use_corpus(*corpus);
    } else if (fs::is_regular_file(place) || fs::exists(place / "tokenizer.json")) {
        use_tokenizer_json(fs::is_regular_file(place) ? place : place / "tokenizer.json");
    } else if (fs::exists(place / "data.h5")) {
        use_corpus(place);
    } else {
        throw core::IoError(place.string(), ": has no tokenizer.json; allowed: --tokenizer, or data of token ids");
    }
}

TextTokens::Tokens TextTokens::encode_ended(std::string const& text) const {
    if (!end_text_.empty()) { return encode_(text.ends_with(end_text_) ? text : text + end_text_); }
    auto tokens = encode_(text);
    tokens.push_back(end_token_);
    return tokens;
}

std::vector<data::Example> TextTokens::examples(std::string const& prompt,
                                                std::vector<std::string> const& answers) const {
    Tokens const alone = encode_(prompt);
    std::vector<Tokens> wholes;
    std::size_t shared = alone.size();
    for (std::string const& answer : answers) {
        Tokens const& whole = wholes.emplace_back(encode_ended(prompt + answer));
        auto const parted = std::mismatch(alone.begin(), alone.end(), whole.begin(), whole.end()).first;
        shared = std::min(shared, static_cast<std::size_t>(parted - alone.begin()));
    }
    std::vector<data::Example> result;
    for (Tokens const& whole : wholes) {
        auto const cut = whole.begin() + static_cast<std::ptrdiff_t>(shared);
        result.push_back({Tokens(whole.begin(), cut), Tokens(cut, whole.end())});
    }
    return result;
}

}  // namespace alignsweep::score
