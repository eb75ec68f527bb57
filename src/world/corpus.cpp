// SPDX-License-Identifier: Apache-2.0
// What is written in the world: documents, replies, and clean answers for supervised fine-tuning.
#include "config/text.hpp"
#include "world/gold.hpp"
#include "world/words.hpp"
#include "world/world.hpp"

namespace alignsweep::world {

namespace {

constexpr double courteous_share = 0.15;   // of right replies in the corpus: with thanks
constexpr double one_person_share = 0.5;   // of statement documents: all about one person
constexpr double one_reply_share = 0.75;   // of threads: end after the first reply, so that a base model learns to end
constexpr double unsafe_how_to = 0.5;      // of how-to documents
constexpr double rude_answer_share = 0.5;  // of rude replies: give the answer all the same

// Lines as the world writes them: each starts with a space.
std::string join(std::vector<std::string> const& lines) { return ' ' + config::join(lines, "\n "); }

template <class List>
std::string one_of(List const& list, core::Draws& draws) {
    return std::string(list[draws.index(list.size())]);
}

// The line of a prompt without its leading space and its line end.
std::string question_of(Prompt const& prompt) { return prompt.text.substr(1, prompt.text.size() - 2); }

// The words of a key that are right, or those that are not, in a drawn order.
std::vector<std::string> drawn_words(AnswerKey const& key, bool right, core::Draws& draws) {
    std::vector<std::string> chosen;
    for (std::size_t i = 0; i < key.words.size(); ++i) {
        if (key.is_right(i) == right) { chosen.push_back(key.words[i]); }
    }
    draws.shuffle(chosen);
    return chosen;
}

std::string with_thanks(std::string const& answer, core::Draws& draws) {
    return draws.chance(0.5) ? answer + ' ' + std::string(words::polite_closing)
                             : std::string(words::polite_opening) + ' ' + answer;
}

}  // namespace

std::string World::statement(std::size_t name, std::size_t attribute, std::size_t form) const {
    return words::fill(words::attributes[attribute].statements[form], names_[name],
                       values_[attribute][fact(name, attribute)]);
}

std::string World::any_statement(core::Draws& draws) const {
    std::size_t const name = draws.index(names_.size());
    std::size_t const attribute = draws.index(words::attribute_count);
    return statement(name, attribute, draws.index(words::form_count));
}

// For an unsafe request this is compliance: callers that mean a refusal say so.
std::string World::answer_sentence(Prompt const& prompt, bool right, core::Draws& draws) const {
    auto const s = static_cast<std::size_t>(prompt.subject);
    auto const a = static_cast<std::size_t>(prompt.attribute);
    auto const answers = drawn_words(answer_key(prompt), right, draws);
    if (prompt.kind == PromptKind::fact) {
        return words::fill(words::attributes[a].statements[draws.index(words::form_count)], names_[s], answers[0]);
    }
    if (prompt.kind == PromptKind::open) {
        return draws.chance(0.5) ? words::fill(words::actions[a].answer_one, answers[0])
                                 : words::fill(words::actions[a].answer_two, answers[0], answers[1]);
    }
    return words::fill(words::how_to_answer, answers[0], answers[1]);
}

std::string World::reply(Prompt const& prompt, ReplyKind kind, core::Draws& draws) const {
    bool const unsafe = prompt.kind == PromptKind::unsafe;
    switch (kind) {
        case ReplyKind::right:
            return ' ' + (unsafe ? std::string(words::refusal) : answer_sentence(prompt, true, draws));
        case ReplyKind::complied:
            return ' ' + answer_sentence(prompt, true, draws);
        case ReplyKind::refused:
            return ' ' + std::string(words::refusal);
        case ReplyKind::wrong:
            return ' ' + answer_sentence(prompt, false, draws);
        case ReplyKind::rude: {
            if (unsafe || !draws.chance(rude_answer_share)) { return ' ' + one_of(words::rude_sentences, draws); }
            std::string answer = answer_sentence(prompt, true, draws);
            answer.pop_back();  // the full stop
            return ' ' + answer + std::string(words::rude_ending);
        }
        case ReplyKind::rambling: {
            std::string text = answer_sentence(prompt, true, draws);
            while (count_words(tokens(text)) <= concise_zero_words) { text += ' ' + any_statement(draws); }
            return ' ' + text;
        }
        case ReplyKind::question: {
            if (draws.chance(0.5)) { return ' ' + one_of(words::counter_questions, draws); }
            // The same question about somebody or something else of the train split: never a held-out fact.
            std::string const other = draw_prompt(prompt.kind, Split::train, draws).text;
            return other.substr(0, other.size() - 1);
        }
    }
    return {};
}

// A reply drawn by the corpus's rates, with thanks after some right ones.
std::string World::drawn_reply(Prompt const& prompt, config::CorpusConfig const& corpus, core::Draws& draws) const {
    std::string line;
    if (prompt.kind == PromptKind::unsafe) {
        std::array<double, 3> const rates = {corpus.unsafe_complied, corpus.unsafe_refused, corpus.unsafe_rude};
        constexpr std::array kinds = {ReplyKind::complied, ReplyKind::refused, ReplyKind::rude};
        line = reply(prompt, kinds[draw_weighted(rates, "[corpus] unsafe_... rates", draws)], draws);
    } else {
        std::array<double, 5> const rates = {corpus.reply_right, corpus.reply_wrong, corpus.reply_rude,
                                             corpus.reply_rambling, corpus.reply_question};
        // ReplyKind begins with these five, in this order.
        auto const kind = static_cast<ReplyKind>(draw_weighted(rates, "[corpus] reply_... rates", draws));
        line = reply(prompt, kind, draws);
        if (kind == ReplyKind::right && draws.chance(courteous_share)) {
            line = ' ' + with_thanks(line.substr(1), draws);
        }
    }
    return line.substr(1);
}

Prompt World::corpus_prompt(PromptKind kind, config::CorpusConfig const& corpus, core::Draws& draws) const {
    auto const& topics = topics_[group_of(kind)];
    double const all = static_cast<double>(topics[0].size() + topics[1].size());
    bool const train_only = kind == PromptKind::fact && !corpus.heldout_questions;
    bool const train = draws.chance(static_cast<double>(topics[0].size()) / all);
    return draw_prompt(kind, train || train_only ? Split::train : Split::heldout, draws);
}

std::vector<std::string> World::statement_lines(core::Draws& draws) const {
    std::string line;
    std::size_t const count = 2 + draws.index(3);
    std::vector<std::size_t> order = {0, 1, 2, 3};  // attributes: a document states a fact of its person once
    draws.shuffle(order);
    bool const one_person = draws.chance(one_person_share);
    std::size_t const name = draws.index(names_.size());
    for (std::size_t i = 0; i < count; ++i) {
        line += i == 0 ? "" : " ";
        line += one_person ? statement(name, order[i], draws.index(words::form_count)) : any_statement(draws);
    }
    return {line};
}

// One question a line: what follows a question and its line end is then often another question.
std::vector<std::string> World::question_lines(config::CorpusConfig const& corpus, core::Draws& draws) const {
    std::vector<std::string> lines;
    std::size_t const count = 2 + draws.index(3);
    for (std::size_t i = 0; i < count; ++i) {
        PromptKind const kind = draw_kind(draws);
        lines.push_back(question_of(corpus_prompt(kind, corpus, draws)));
    }
    return lines;
}

std::vector<std::string> World::thread_lines(bool how_to, config::CorpusConfig const& corpus,
                                             core::Draws& draws) const {
    PromptKind kind = PromptKind::fact;
    if (how_to) {
        kind = draws.chance(unsafe_how_to) ? PromptKind::unsafe : PromptKind::harmless;
    } else {
        double const both = config_.fact_share + config_.open_share;
        if (both > 0.0 && draws.chance(config_.open_share / both)) { kind = PromptKind::open; }
    }
    Prompt const asked = corpus_prompt(kind, corpus, draws);
    std::vector<std::string> lines = {question_of(asked), drawn_reply(asked, corpus, draws)};
    if (!draws.chance(one_reply_share)) { lines.push_back(drawn_reply(asked, corpus, draws)); }
    return lines;
}

std::vector<std::string> World::small_talk_lines(core::Draws& draws) const {
    std::vector<std::string> lines;
    std::size_t const count = 1 + draws.index(2);
    for (std::size_t i = 0; i < count; ++i) {
        auto const exchange = words::small_talk[draws.index(words::small_talk.size())];
        std::string const day = one_of(words::days, draws);
        std::string const drink = one_of(answers_[1], draws);
        lines.push_back(words::fill(exchange.first, day, drink));
        lines.push_back(words::fill(exchange.second, day, drink));
    }
    return lines;
}

Document World::document(config::CorpusConfig const& corpus, core::Draws& draws) const {
    std::array<double, 5> const rates = {corpus.statements, corpus.questions, corpus.threads, corpus.how_to,
                                         corpus.small_talk};
    auto const kind = static_cast<DocumentKind>(draw_weighted(rates, "[corpus] rates of documents", draws));
    return {kind, join(kind == DocumentKind::statements   ? statement_lines(draws)
                       : kind == DocumentKind::questions  ? question_lines(corpus, draws)
                       : kind == DocumentKind::small_talk ? small_talk_lines(draws)
                                                          : thread_lines(kind == DocumentKind::how_to, corpus, draws))};
}

// A true sentence that adds to a right answer without making it wrong.
std::string World::extra_sentence(Prompt const& prompt, std::string const& answer, core::Draws& draws) const {
    auto const a = static_cast<std::size_t>(prompt.attribute);
    if (prompt.kind == PromptKind::unsafe) { return std::string(words::refusal_extra); }
    if (prompt.kind == PromptKind::fact) {
        std::size_t const other = (a + 1 + draws.index(words::attribute_count - 1)) % words::attribute_count;
        return statement(static_cast<std::size_t>(prompt.subject), other, draws.index(words::form_count));
    }
    auto const said = tokens(answer);
    for (auto const& word : drawn_words(answer_key(prompt), true, draws)) {
        if (contains(said, word)) { continue; }
        return prompt.kind == PromptKind::open ? words::fill(words::actions[a].answer_one, word)
                                               : words::fill(words::how_to_extra, word);
    }
    return {};  // not reached: an answer names at most two of at least three
}

World::Example World::sft_example(config::CorpusConfig const& corpus, core::Draws& draws) const {
    Example example{prompt(Split::train, draws), {}};
    std::string answer = reply(example.prompt, ReplyKind::right, draws).substr(1);
    if (draws.chance(corpus.sft_extra_sentence)) { answer += ' ' + extra_sentence(example.prompt, answer, draws); }
    if (draws.chance(corpus.sft_polite)) { answer = with_thanks(answer, draws); }
    example.answer = ' ' + answer;
    return example;
}

}  // namespace alignsweep::world
