// SPDX-License-Identifier: Apache-2.0
#include "stages/artifacts.hpp"

#include "config/checks.hpp"
#include "stages/data_file.hpp"
#include "store/file.hpp"

#include <algorithm>
#include <functional>
#include <type_traits>

namespace alignsweep::stages {

namespace {

using store::FileWriter;

// Token lists of any lengths: `path`/tokens int64 [total] and `path`/offsets int64 [n + 1].
template <class Row>
void write_lists(FileWriter& file, std::string const& path, std::vector<Row> const& rows, Tokens Row::*tokens_of) {
    std::vector<std::int64_t> tokens, offsets{0};
    for (Row const& row : rows) {
        Tokens const& list = row.*tokens_of;
        tokens.insert(tokens.end(), list.begin(), list.end());
        offsets.push_back(static_cast<std::int64_t>(tokens.size()));
    }
    file.write(path + "/tokens", tokens);
    file.write(path + "/offsets", offsets);
}

// `field`: a member or a function of a row. Whole numbers and truth values are written as int64.
template <class Rows, class Field>
void write_column(FileWriter& file, std::string const& path, Rows const& rows, Field field) {
    using Given = std::decay_t<decltype(std::invoke(field, rows.front()))>;
    std::vector<std::conditional_t<std::is_integral_v<Given>, std::int64_t, Given>> column;
    for (auto const& row : rows) { column.push_back(std::invoke(field, row)); }
    file.write(path, column);
}

void write_examples(FileWriter& file, std::string const& path, std::vector<data::Example> const& examples) {
    write_lists(file, path + "/prompt", examples, &data::Example::prompt);
    write_lists(file, path + "/completion", examples, &data::Example::completion);
}

void write_prompts(FileWriter& file, std::string const& path, std::vector<PromptRow> const& prompts) {
    write_lists(file, path, prompts, &PromptRow::tokens);
    write_column(file, path + "/kind", prompts, &PromptRow::kind);
    write_column(file, path + "/subject", prompts, &PromptRow::subject);
    write_column(file, path + "/attribute", prompts, &PromptRow::attribute);
    write_column(file, path + "/form", prompts, &PromptRow::form);
    write_column(file, path + "/heldout", prompts, &PromptRow::heldout);
}

std::vector<PromptRow> read_prompts(DataFile const& file, std::string const& path) {
    auto lists = file.lists(path);
    auto const column = [&](char const* name) { return file.codes(path + "/" + name, lists.size()); };
    auto const kind = column("kind"), subject = column("subject"), attribute = column("attribute"),
               form = column("form"), heldout = column("heldout");
    std::vector<PromptRow> prompts;
    for (std::size_t i = 0; i < lists.size(); ++i) {
        prompts.push_back({std::move(lists[i]), kind[i], subject[i], attribute[i], form[i], heldout[i] != 0});
    }
    return prompts;
}

std::vector<std::int64_t> widen(Tokens const& tokens) { return {tokens.begin(), tokens.end()}; }

// Two files of two stages, which fit where one was made from the other.
void check_reference(FeedbackData const& feedback, ReferenceData const& reference) {
    auto const check = [](char const* path, std::size_t found, std::size_t expected) {
        if (found == 0 || found == expected) { return; }
        throw core::IoError("data.h5 of the reference stage: dataset ", path, ": has ", found,
                            " values, but the feedback needs ", expected);
    };
    check("/reference/completions", reference.completions.size(), feedback.completions.size());
    check("/reference/mismatched", reference.mismatched.size(), feedback.thumbs.size());
}

double reference_of(std::vector<double> const& reference, std::int64_t i) {
    return reference.empty() ? 0.0 : reference[static_cast<std::size_t>(i)];
}

PromptRow const& prompt_of(FeedbackData const& feedback, std::int64_t completion) {
    auto const prompt = feedback.completions[static_cast<std::size_t>(completion)].prompt;
    return feedback.prompts[static_cast<std::size_t>(prompt)];
}

}  // namespace

void save_corpus(std::filesystem::path const& folder, CorpusData const& corpus) {
    FileWriter file(data_file(folder), data_schema, data_version);
    auto const& merges = corpus.tokenizer.merges();
    write_column(file, "/tokenizer/left", merges, [](auto const& merge) { return merge[0]; });
    write_column(file, "/tokenizer/right", merges, [](auto const& merge) { return merge[1]; });
    if (corpus.tokenizer.is_letters()) { file.set_attribute("/tokenizer", "letters", corpus.tokenizer.vocabulary()); }
    file.write("/corpus/train", widen(corpus.train));
    file.write("/corpus/heldout", widen(corpus.heldout));
    write_examples(file, "/sft", corpus.sft);
    file.publish();
}

CorpusData load_corpus(std::filesystem::path const& folder) {
    DataFile const file(folder);
    auto tokenizer = file.tokenizer();
    std::int64_t const vocabulary = tokenizer.vocabulary();
    return {std::move(tokenizer), file.tokens("/corpus/train", vocabulary), file.tokens("/corpus/heldout", vocabulary),
            file.examples("/sft", vocabulary)};
}

data::Tokenizer load_tokenizer(std::filesystem::path const& folder) { return DataFile(folder).tokenizer(); }

std::vector<data::Example> text_examples(std::span<std::int32_t const> stream, std::int64_t length) {
    std::vector<data::Example> examples;
    for (auto const window : data::windows(stream, length)) {
        examples.push_back({{}, Tokens(window.begin(), window.end())});
    }
    return examples;
}

void save_feedback(std::filesystem::path const& folder, FeedbackData const& feedback) {
    FileWriter file(data_file(folder), data_schema, data_version);
    write_prompts(file, "/prompts", feedback.prompts);
    using Row = FeedbackData::CompletionRow;
    auto const& rows = feedback.completions;
    write_lists(file, "/completions", rows, &Row::tokens);
    write_column(file, "/completions/prompt", rows, &Row::prompt);
    write_column(file, "/completions/on_policy", rows, &Row::on_policy);
    write_column(file, "/completions/gold", rows, &Row::gold);
    write_column(file, "/completions/rating", rows, &Row::rating);
    using PairRow = FeedbackData::PairRow;
    write_column(file, "/pairs/chosen", feedback.pairs, &PairRow::chosen);
    write_column(file, "/pairs/rejected", feedback.pairs, &PairRow::rejected);
    write_column(file, "/pairs/probability", feedback.pairs, &PairRow::probability);
    using ThumbRow = FeedbackData::ThumbRow;
    write_column(file, "/thumbs/completion", feedback.thumbs, &ThumbRow::completion);
    write_column(file, "/thumbs/desirable", feedback.thumbs, &ThumbRow::desirable);
    write_column(file, "/thumbs/partner", feedback.thumbs, &ThumbRow::partner);
    file.publish();
}

FeedbackData load_feedback(std::filesystem::path const& folder) {
    DataFile const file(folder);
    FeedbackData feedback;
    feedback.prompts = read_prompts(file, "/prompts");
    auto lists = file.lists("/completions");
    std::size_t const completions = lists.size();
    auto const prompt = file.indices("/completions/prompt", completions, feedback.prompts.size());
    auto const on_policy = file.column<std::int64_t>("/completions/on_policy", completions);
    auto const rating = file.column<std::int64_t>("/completions/rating", completions);
    auto const gold = file.column<double>("/completions/gold", completions);
    for (std::size_t i = 0; i < completions; ++i) {
        feedback.completions.push_back({prompt[i], std::move(lists[i]), on_policy[i] != 0, gold[i], rating[i]});
    }
    auto const chosen = file.indices("/pairs/chosen", DataFile::any_length, completions);
    auto const rejected = file.indices("/pairs/rejected", chosen.size(), completions);
    auto const probability = file.column<double>("/pairs/probability", chosen.size());
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        feedback.pairs.push_back({chosen[i], rejected[i], probability[i]});
    }
    auto const completion = file.indices("/thumbs/completion", DataFile::any_length, completions);
    auto const desirable = file.column<std::int64_t>("/thumbs/desirable", completion.size());
    auto const partner = file.indices("/thumbs/partner", completion.size(), completions, -1);
    for (std::size_t i = 0; i < completion.size(); ++i) {
        feedback.thumbs.push_back({completion[i], desirable[i], partner[i]});
    }
    return feedback;
}

data::Example example_of(FeedbackData const& feedback, std::int64_t asked, std::int64_t said) {
    return {prompt_of(feedback, asked).tokens, feedback.completions[static_cast<std::size_t>(said)].tokens};
}

std::vector<data::Example> completion_examples(FeedbackData const& feedback) {
    std::vector<data::Example> examples;
    auto const count = static_cast<std::int64_t>(feedback.completions.size());
    for (std::int64_t i = 0; i < count; ++i) { examples.push_back(example_of(feedback, i, i)); }
    return examples;
}

void save_reference(std::filesystem::path const& folder, ReferenceData const& reference) {
    FileWriter file(data_file(folder), data_schema, data_version);
    file.write("/reference/completions", reference.completions);
    file.write("/reference/mismatched", reference.mismatched);
    file.publish();
}

ReferenceData load_reference(std::filesystem::path const& folder) {
    DataFile const file(folder);
    return {file.column<double>("/reference/completions"), file.column<double>("/reference/mismatched")};
}

std::vector<losses::Pair> make_pairs(FeedbackData const& feedback, ReferenceData const& reference, bool with_heldout) {
    check_reference(feedback, reference);
    std::vector<losses::Pair> pairs;
    for (auto const& row : feedback.pairs) {
        if (prompt_of(feedback, row.chosen).heldout && !with_heldout) { continue; }
        pairs.push_back({example_of(feedback, row.chosen, row.chosen), example_of(feedback, row.chosen, row.rejected),
                         reference_of(reference.completions, row.chosen),
                         reference_of(reference.completions, row.rejected), row.probability});
    }
    return pairs;
}

std::vector<losses::Thumb> make_thumbs(FeedbackData const& feedback, ReferenceData const& reference,
                                       bool with_partner) {
    check_reference(feedback, reference);
    std::vector<losses::Thumb> thumbs;
    for (std::size_t i = 0; i < feedback.thumbs.size(); ++i) {
        auto const& row = feedback.thumbs[i];
        if (prompt_of(feedback, row.completion).heldout || (with_partner && row.partner < 0)) { continue; }
        auto& thumb = thumbs.emplace_back();
        thumb.example = example_of(feedback, row.completion, row.completion);
        thumb.desirable = row.desirable != 0;
        thumb.reference = reference_of(reference.completions, row.completion);
        if (!with_partner) { continue; }
        thumb.mismatched = example_of(feedback, row.completion, row.partner);
        thumb.mismatched_reference = reference_of(reference.mismatched, static_cast<std::int64_t>(i));
    }
    config::require(!thumbs.empty() || with_partner, "kto: no thumb on a training prompt to learn from");
    config::require(!thumbs.empty(), "kto: no thumb to learn from: z0 needs feedback on two different training ",
                    "prompts, with room in model.context for each other's answers");
    return thumbs;
}

void save_answers(std::filesystem::path const& folder, AnswersData const& answers, data::Tokenizer const& tokenizer) {
    FileWriter file(data_file(folder), data_schema, data_version);
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
    DataFile const file(folder);
    AnswersData answers{file.examples("/answers"), {}};
    answers.gold = file.column<double>("/answers/gold", answers.answers.size());
    if (file.reader().contains("/answers/weight")) {
        answers.weight = file.column<double>("/answers/weight", answers.answers.size());
    }
    return answers;
}

void save_prefixes(std::filesystem::path const& folder, PrefixData const& prefixes) {
    FileWriter file(data_file(folder), data_schema, data_version);
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

}  // namespace alignsweep::stages
