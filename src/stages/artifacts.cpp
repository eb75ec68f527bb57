// SPDX-License-Identifier: Apache-2.0
#include "stages/artifacts.hpp"

#include "core/error.hpp"
#include "stages/data_reader.hpp"

#include <algorithm>
#include <limits>

namespace alignsweep::stages {

namespace {

using store::FileWriter;

constexpr char const* schema = "alignsweep.data";
constexpr std::int64_t version = 1;

std::filesystem::path data_file(std::filesystem::path const& folder) { return folder / "data.h5"; }

// Token lists of any lengths: `path`/tokens int64 [total] and `path`/offsets int64 [n + 1].
template <class Rows, class TokensOf>
void write_lists(FileWriter& file, std::string const& path, Rows const& rows, TokensOf tokens_of) {
    std::vector<std::int64_t> tokens, offsets{0};
    for (auto const& row : rows) {
        Tokens const& list = tokens_of(row);
        tokens.insert(tokens.end(), list.begin(), list.end());
        offsets.push_back(static_cast<std::int64_t>(tokens.size()));
    }
    file.write(path + "/tokens", tokens);
    file.write(path + "/offsets", offsets);
}

template <class Rows, class Field>
void write_column(FileWriter& file, std::string const& path, Rows const& rows, Field field) {
    using Value = std::decay_t<decltype(field(rows.front()))>;
    std::vector<Value> column;
    for (auto const& row : rows) { column.push_back(field(row)); }
    file.write(path, column);
}

void write_examples(FileWriter& file, std::string const& path, std::vector<data::Example> const& examples) {
    write_lists(file, path + "/prompt", examples, [](data::Example const& e) -> Tokens const& { return e.prompt; });
    write_lists(file, path + "/completion", examples,
                [](data::Example const& e) -> Tokens const& { return e.completion; });
}

void write_prompts(FileWriter& file, std::string const& path, std::vector<PromptRow> const& prompts) {
    write_lists(file, path, prompts, [](PromptRow const& p) -> Tokens const& { return p.tokens; });
    auto const column = [&](char const* name, auto member) {
        write_column(file, path + "/" + name, prompts, [&](PromptRow const& p) { return std::int64_t(p.*member); });
    };
    column("kind", &PromptRow::kind);
    column("subject", &PromptRow::subject);
    column("attribute", &PromptRow::attribute);
    column("form", &PromptRow::form);
    column("heldout", &PromptRow::heldout);
}

std::vector<PromptRow> read_prompts(FileReader const& file, std::string const& path) {
    auto lists = read_lists(file, path);
    auto const column = [&](char const* name) {
        return read_index(file, path + "/" + name, lists.size(), -1, std::numeric_limits<std::int32_t>::max());
    };
    auto const kind = column("kind"), subject = column("subject"), attribute = column("attribute"),
               form = column("form"), heldout = column("heldout");
    std::vector<PromptRow> prompts;
    for (std::size_t i = 0; i < lists.size(); ++i) {
        prompts.push_back({std::move(lists[i]), static_cast<std::int32_t>(kind[i]),
                           static_cast<std::int32_t>(subject[i]), static_cast<std::int32_t>(attribute[i]),
                           static_cast<std::int32_t>(form[i]), heldout[i] != 0});
    }
    return prompts;
}

std::vector<std::int64_t> widen(Tokens const& tokens) { return {tokens.begin(), tokens.end()}; }

data::Tokenizer read_tokenizer(FileReader const& file) {
    if (file.has_attribute("/tokenizer", "letters")) {
        auto const value = file.attribute("/tokenizer", "letters");
        auto const* const letters = std::get_if<std::int64_t>(&value);
        if (letters == nullptr || *letters < 1 || *letters > 256) {
            fail(file, "/tokenizer", "attribute letters: an integer from 1 to 256 is allowed");
        }
        return data::Tokenizer::letters(*letters);
    }
    Tokens const left = read_tokens(file, "/tokenizer/left", any_token);
    Tokens const right = read_tokens(file, "/tokenizer/right", any_token);
    if (left.size() != right.size()) { fail(file, "/tokenizer/right", "is not as long as /tokenizer/left"); }
    std::vector<std::array<std::int32_t, 2>> merges;
    for (std::size_t i = 0; i < left.size(); ++i) { merges.push_back({left[i], right[i]}); }
    return data::Tokenizer(merges);
}

}  // namespace

void save_corpus(std::filesystem::path const& folder, CorpusData const& corpus) {
    FileWriter file(data_file(folder), schema, version);
    auto const& merges = corpus.tokenizer.merges();
    write_column(file, "/tokenizer/left", merges, [](auto const& merge) { return std::int64_t(merge[0]); });
    write_column(file, "/tokenizer/right", merges, [](auto const& merge) { return std::int64_t(merge[1]); });
    if (corpus.tokenizer.is_letters()) { file.set_attribute("/tokenizer", "letters", corpus.tokenizer.vocabulary()); }
    file.write("/corpus/train", widen(corpus.train));
    file.write("/corpus/heldout", widen(corpus.heldout));
    write_examples(file, "/sft", corpus.sft);
    file.publish();
}

CorpusData load_corpus(std::filesystem::path const& folder) {
    FileReader const file(data_file(folder), schema, version);
    auto tokenizer = read_tokenizer(file);
    std::int64_t const vocabulary = tokenizer.vocabulary();
    return {std::move(tokenizer), read_tokens(file, "/corpus/train", vocabulary),
            read_tokens(file, "/corpus/heldout", vocabulary), read_examples(file, "/sft", vocabulary)};
}

data::Tokenizer load_tokenizer(std::filesystem::path const& folder) {
    return read_tokenizer(FileReader(data_file(folder), schema, version));
}

std::vector<data::Example> text_examples(Tokens const& stream, std::int64_t length) {
    std::vector<data::Example> examples;
    for (auto const window : data::windows(stream, length)) {
        examples.push_back({{}, Tokens(window.begin(), window.end())});
    }
    return examples;
}

void save_feedback(std::filesystem::path const& folder, FeedbackData const& feedback) {
    FileWriter file(data_file(folder), schema, version);
    write_prompts(file, "/prompts", feedback.prompts);
    using Row = FeedbackData::CompletionRow;
    auto const& rows = feedback.completions;
    write_lists(file, "/completions", rows, [](Row const& r) -> Tokens const& { return r.tokens; });
    write_column(file, "/completions/prompt", rows, [](Row const& r) { return r.prompt; });
    write_column(file, "/completions/on_policy", rows, [](Row const& r) { return std::int64_t(r.on_policy); });
    write_column(file, "/completions/gold", rows, [](Row const& r) { return r.gold; });
    write_column(file, "/completions/rating", rows, [](Row const& r) { return r.rating; });
    using PairRow = FeedbackData::PairRow;
    write_column(file, "/pairs/chosen", feedback.pairs, [](PairRow const& p) { return p.chosen; });
    write_column(file, "/pairs/rejected", feedback.pairs, [](PairRow const& p) { return p.rejected; });
    write_column(file, "/pairs/probability", feedback.pairs, [](PairRow const& p) { return p.probability; });
    using ThumbRow = FeedbackData::ThumbRow;
    write_column(file, "/thumbs/completion", feedback.thumbs, [](ThumbRow const& t) { return t.completion; });
    write_column(file, "/thumbs/desirable", feedback.thumbs, [](ThumbRow const& t) { return t.desirable; });
    write_column(file, "/thumbs/partner", feedback.thumbs, [](ThumbRow const& t) { return t.partner; });
    file.publish();
}

FeedbackData load_feedback(std::filesystem::path const& folder) {
    FileReader const file(data_file(folder), schema, version);
    FeedbackData feedback;
    feedback.prompts = read_prompts(file, "/prompts");
    auto lists = read_lists(file, "/completions");
    auto const prompts = static_cast<std::int64_t>(feedback.prompts.size());
    auto const completions = static_cast<std::int64_t>(lists.size());
    auto const column = [&](char const* path) { return read_column<std::int64_t>(file, path, lists.size()); };
    auto const prompt = read_index(file, "/completions/prompt", lists.size(), 0, prompts);
    auto const on_policy = column("/completions/on_policy"), rating = column("/completions/rating");
    auto const gold = read_column<double>(file, "/completions/gold", lists.size());
    for (std::size_t i = 0; i < lists.size(); ++i) {
        feedback.completions.push_back({prompt[i], std::move(lists[i]), on_policy[i] != 0, gold[i], rating[i]});
    }
    auto const probability = file.read<double>("/pairs/probability");
    auto const pairs = probability.size();
    auto const chosen = read_index(file, "/pairs/chosen", pairs, 0, completions);
    auto const rejected = read_index(file, "/pairs/rejected", pairs, 0, completions);
    for (std::size_t i = 0; i < pairs; ++i) { feedback.pairs.push_back({chosen[i], rejected[i], probability[i]}); }
    auto const desirable = file.read<std::int64_t>("/thumbs/desirable");
    auto const thumbs = desirable.size();
    auto const completion = read_index(file, "/thumbs/completion", thumbs, 0, completions);
    auto const partner = read_index(file, "/thumbs/partner", thumbs, -1, completions);  // -1: none
    for (std::size_t i = 0; i < thumbs; ++i) { feedback.thumbs.push_back({completion[i], desirable[i], partner[i]}); }
    return feedback;
}

data::Example example_of(FeedbackData const& feedback, std::int64_t prompt, std::int64_t completion) {
    return {feedback.prompts[static_cast<std::size_t>(prompt)].tokens,
            feedback.completions[static_cast<std::size_t>(completion)].tokens};
}

void save_reference(std::filesystem::path const& folder, ReferenceData const& reference) {
    FileWriter file(data_file(folder), schema, version);
    file.write("/reference/completions", reference.completions);
    file.write("/reference/mismatched", reference.mismatched);
    file.publish();
}

ReferenceData load_reference(std::filesystem::path const& folder) {
    FileReader const file(data_file(folder), schema, version);
    return {file.read<double>("/reference/completions"), file.read<double>("/reference/mismatched")};
}

namespace {

double reference_of(std::vector<double> const& reference, std::size_t i) {
    if (reference.empty()) { return 0.0; }
    if (i < reference.size()) { return reference[i]; }
    throw core::IoError(core::concat("data.h5 of the reference stage: has ", reference.size(),
                                     " log-probabilities; at least ", i + 1, " belong to the feedback"));
}

bool is_heldout(FeedbackData const& feedback, std::int64_t prompt) {
    return feedback.prompts[static_cast<std::size_t>(prompt)].heldout;
}

}  // namespace

std::vector<methods::Pair> make_pairs(FeedbackData const& feedback, ReferenceData const& reference, bool with_heldout) {
    std::vector<methods::Pair> pairs;
    for (auto const& row : feedback.pairs) {
        auto const chosen = static_cast<std::size_t>(row.chosen), rejected = static_cast<std::size_t>(row.rejected);
        std::int64_t const prompt = feedback.completions[chosen].prompt;
        if (is_heldout(feedback, prompt) && !with_heldout) { continue; }
        pairs.push_back({example_of(feedback, prompt, row.chosen), example_of(feedback, prompt, row.rejected),
                         reference_of(reference.completions, chosen), reference_of(reference.completions, rejected),
                         row.probability});
    }
    return pairs;
}

std::vector<methods::Thumb> make_thumbs(FeedbackData const& feedback, ReferenceData const& reference,
                                        bool with_partner) {
    std::vector<methods::Thumb> thumbs;
    for (std::size_t i = 0; i < feedback.thumbs.size(); ++i) {
        auto const& row = feedback.thumbs[i];
        auto const completion = static_cast<std::size_t>(row.completion);
        std::int64_t const prompt = feedback.completions[completion].prompt;
        if (is_heldout(feedback, prompt)) { continue; }
        if (with_partner && row.partner < 0) { continue; }
        methods::Thumb thumb{example_of(feedback, prompt, row.completion),
                             row.desirable != 0,
                             reference_of(reference.completions, completion),
                             {},
                             0.0};
        if (with_partner) {
            thumb.mismatched = example_of(feedback, prompt, row.partner);
            thumb.mismatched_reference = reference_of(reference.mismatched, i);
        }
        thumbs.push_back(std::move(thumb));
    }
    if (thumbs.empty() && !with_partner) {
        throw core::ConfigError("kto: no thumb on a training prompt to learn from");
    }
    if (thumbs.empty()) {
        throw core::ConfigError(
            "kto: no thumb to learn from: z0 needs feedback on two different training prompts, with room in "
            "model.context for each other's answers");
    }
    return thumbs;
}

void save_answers(std::filesystem::path const& folder, AnswersData const& answers, data::Tokenizer const& tokenizer) {
    FileWriter file(data_file(folder), schema, version);
    write_examples(file, "/answers", answers.answers);
    file.write("/answers/gold", answers.gold);
    if (!answers.weight.empty()) { file.write("/answers/weight", answers.weight); }
    for (auto const& [name, column] : answers.exact) { file.write("/exact/" + name, column); }
    for (auto const& [name, value] : answers.facts) { file.set_attribute("/exact", name, value); }
    std::vector<std::string> prompts, texts;
    for (data::Example const& answer : answers.answers) {
        prompts.push_back(tokenizer.decode(answer.prompt));
        texts.push_back(tokenizer.decode(answer.completion));
    }
    file.write_text("/text/prompt", prompts);
    file.write_text("/text/completion", texts);
    file.publish();
}

AnswersData load_answers(std::filesystem::path const& folder) {
    FileReader const file(data_file(folder), schema, version);
    AnswersData answers{read_examples(file, "/answers"), file.read<double>("/answers/gold")};
    std::size_t const rows = answers.answers.size();
    if (answers.gold.size() != rows) { fail(file, "/answers/gold", "has not one entry for each answer"); }
    if (file.contains("/answers/weight")) { answers.weight = read_column<double>(file, "/answers/weight", rows); }
    return answers;
}

void save_prefixes(std::filesystem::path const& folder, PrefixData const& prefixes) {
    FileWriter file(data_file(folder), schema, version);
    write_examples(file, "/beginnings", prefixes.beginnings);
    write_column(file, "/beginnings/position", prefixes.beginnings,
                 [](data::Example const& e) { return static_cast<std::int64_t>(e.completion.size()); });
    file.write("/beginnings/number", prefixes.prompt);
    file.write("/beginnings/finished", prefixes.finished);
    file.write("/beginnings/previous", prefixes.previous);
    file.write("/beginnings/weight", prefixes.weight);
    for (auto const& [name, column] : prefixes.estimates) { file.write("/estimates/" + name, column); }
    for (auto const& [name, column] : prefixes.exact) { file.write("/exact/" + name, column); }
    for (auto const& [name, value] : prefixes.facts) { file.set_attribute("/beginnings", name, value); }
    file.publish();
}

PrefixData load_prefixes(std::filesystem::path const& folder) {
    FileReader const file(data_file(folder), schema, version);
    auto beginnings = read_examples(file, "/beginnings");
    std::size_t const rows = beginnings.size();
    auto const column = [&](char const* path) { return read_column<std::int64_t>(file, path, rows); };
    PrefixData prefixes{std::move(beginnings), column("/beginnings/number"), column("/beginnings/finished"),
                        read_index(file, "/beginnings/previous", rows, -1, static_cast<std::int64_t>(rows)),
                        read_column<double>(file, "/beginnings/weight", rows)};
    for (auto const& name : file.list("/estimates")) {
        prefixes.estimates[name] = read_column<double>(file, "/estimates/" + name, rows);
    }
    for (auto const& name : file.list("/exact")) {
        prefixes.exact[name] = read_column<double>(file, "/exact/" + name, rows);
    }
    prefixes.facts = file.attributes("/beginnings");
    return prefixes;
}

}  // namespace alignsweep::stages
