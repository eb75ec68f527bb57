// SPDX-License-Identifier: Apache-2.0
// The simulated world: people with facts, objects with tools, days with things to do; the texts that speak of them
// (the "internet") and the prompts that ask about them. Everything is a pure function of the configuration, the
// world's seed and the caller's draws.
//
// Text: every line starts with a space and words and marks are separated by one, so that a word is the same token
// wherever it stands. A document is its lines joined by "\n", without one at its end: the end token follows. A prompt
// is a question and "\n"; a response therefore starts with " ", as a reply in a thread does.
#pragma once

#include "config/schema.hpp"
#include "core/random.hpp"
#include "world/words.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace alignsweep::world {

enum class PromptKind : std::uint8_t { fact, open, harmless, unsafe };
enum class Split : std::uint8_t { train, heldout };
inline constexpr std::array<std::string_view, 4> prompt_kind_names = {"fact", "open", "harmless", "unsafe"};
inline constexpr std::array<std::string_view, 2> split_names = {"train", "heldout"};
enum class DocumentKind : std::uint8_t { statements, questions, thread, how_to, small_talk };
// What a reply is. `right` refuses unsafe requests; `complied` answers any how-to request.
enum class ReplyKind : std::uint8_t { right, wrong, rude, rambling, question, complied, refused };

// A question and its codes (World::prompt_at rebuilds it from them):
//   kind              subject        attribute
//   fact              name           food, colour, job, town
//   open              day            action (do, drink, wear)
//   harmless, unsafe  object         verb of that kind
// `form`: 0 or 1, which of the two ways of asking.
struct Prompt {
    PromptKind kind;
    std::int32_t subject, attribute, form;
    std::string text;  // " What does Mira eat ?\n"
};

struct Document {
    DocumentKind kind;
    std::string text;
};

// What may be said in answer to a prompt: the words among which an answer chooses (at most 64, as they are written)
// and, as a bit mask, those that are right. For an unsafe request these are the tools: naming one complies.
struct AnswerKey {
    std::span<std::string const> words;
    std::uint64_t right;

    [[nodiscard]] bool is_right(std::size_t word) const { return (right >> word & 1) != 0; }
};

// A word that says something: a person's name, a value of an attribute, an answer of an action, or a tool, by its place
// in that list.
struct Content {
    enum class Kind : std::uint8_t { name, value, answer, tool };
    Kind kind;
    std::size_t list, index;  // list: which attribute or action; else 0
};

class World {
public:
    // Names, facts, tools, good answers and the split are drawn from `seed_world` (streams "world/...").
    // Throws core::ConfigError where all shares of prompts are 0.
    World(config::WorldConfig const& config, std::uint64_t seed_world);

    // One document of the corpus; kinds and replies by the rates, which are relative weights. Threads ask facts and
    // open questions, how-to documents harmless and unsafe requests (half each). With heldout_questions = false, facts
    // of the held-out split occur only as statements. Throws core::ConfigError where all rates of a group are 0.
    [[nodiscard]] Document document(config::CorpusConfig const& corpus, core::Draws& draws) const;

    // A clean pair for supervised fine-tuning: a prompt of the train split and a right answer, sometimes with one
    // sentence more or with thanks.
    struct Example {
        Prompt prompt;
        std::string answer;
    };
    [[nodiscard]] Example sft_example(config::CorpusConfig const& corpus, core::Draws& draws) const;

    // A prompt of one split: the kind by the shares of WorldConfig (relative weights), then a topic and a form evenly.
    // Both splits hold at least one topic of each kind, whatever train_share.
    [[nodiscard]] Prompt prompt(Split split, core::Draws& draws) const;
    // Of a how-to prompt: the same object and form, a verb of the other kind (unsafe for harmless and the reverse),
    // in the same split; nothing for other prompts.
    [[nodiscard]] std::optional<Prompt> twin(Prompt const& prompt, core::Draws& draws) const;
    [[nodiscard]] Prompt prompt_at(PromptKind kind, std::int32_t subject, std::int32_t attribute,
                                   std::int32_t form) const;
    // The prompt of this text; nothing where it is not one of this world.
    [[nodiscard]] std::optional<Prompt> find(std::string const& text) const;
    // The split that a prompt belongs to; both forms, and both verbs of a pair, share it.
    [[nodiscard]] Split split_of(Prompt const& prompt) const;

    // One line of the kind wanted. A rude reply to an unsafe request gives no answer; a rambling one has more than
    // 22 words.
    [[nodiscard]] std::string reply(Prompt const& prompt, ReplyKind kind, core::Draws& draws) const;

    [[nodiscard]] AnswerKey answer_key(Prompt const& prompt) const;
    // What a word, in lower case, says; nothing for all others.
    [[nodiscard]] std::optional<Content> content(std::string const& word) const;
    [[nodiscard]] std::size_t fact(std::size_t name, std::size_t attribute) const;  // index of the value
    [[nodiscard]] config::WorldConfig const& config() const { return config_; }

private:
    struct Topic {
        std::int32_t subject, attribute;
    };
    // Topics of one group (facts, open questions, how-to requests by object and pair of verbs), by split.
    using Topics = std::array<std::vector<Topic>, 2>;

    [[nodiscard]] std::size_t group_of(PromptKind kind) const;
    void list_contents();
    void list_prompts();
    void draw_split(std::size_t group, std::size_t subjects, std::size_t attributes, core::Draws draws);
    [[nodiscard]] PromptKind draw_kind(core::Draws& draws) const;
    [[nodiscard]] Prompt draw_prompt(PromptKind kind, Split split, core::Draws& draws) const;

    // corpus.cpp
    [[nodiscard]] Prompt corpus_prompt(PromptKind kind, config::CorpusConfig const& corpus, core::Draws& draws) const;
    [[nodiscard]] std::string statement(std::size_t name, std::size_t attribute, std::size_t form) const;
    [[nodiscard]] std::string any_statement(core::Draws& draws) const;
    [[nodiscard]] std::string answer_sentence(Prompt const& prompt, bool right, core::Draws& draws) const;
    [[nodiscard]] std::string extra_sentence(Prompt const& prompt, std::string const& answer, core::Draws& draws) const;
    [[nodiscard]] std::string drawn_reply(Prompt const& prompt, config::CorpusConfig const& corpus,
                                          core::Draws& draws) const;
    [[nodiscard]] std::vector<std::string> statement_lines(core::Draws& draws) const;
    [[nodiscard]] std::vector<std::string> question_lines(config::CorpusConfig const& corpus, core::Draws& draws) const;
    [[nodiscard]] std::vector<std::string> thread_lines(bool how_to, config::CorpusConfig const& corpus,
                                                        core::Draws& draws) const;
    [[nodiscard]] std::vector<std::string> small_talk_lines(core::Draws& draws) const;

    config::WorldConfig config_;
    std::vector<std::string> names_;
    std::array<std::vector<std::string>, words::attribute_count> values_;
    std::array<std::vector<std::string>, words::action_count> answers_;
    std::vector<std::string> objects_, tools_;
    std::vector<std::size_t> facts_;           // [name * attribute_count + attribute]: index of the value
    std::vector<std::uint64_t> object_tools_;  // [object]: mask of its tools
    std::vector<std::uint64_t> good_answers_;  // [day * action_count + action]: mask of the action's good answers
    std::array<Topics, 3> topics_;             // [group][split]
    std::array<std::vector<Split>, 3> split_;  // [group][subject * attributes + attribute]
    std::unordered_map<std::string, Content> contents_;
    std::unordered_map<std::string, Prompt> prompts_;  // all, by their texts
};

// Index drawn by relative weights. Throws core::ConfigError that names `what` where none is positive.
[[nodiscard]] std::size_t draw_weighted(std::span<double const> weights, char const* what, core::Draws& draws);

}  // namespace alignsweep::world
