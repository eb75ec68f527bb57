// SPDX-License-Identifier: Apache-2.0
// Two answers to one prompt, who judges them, and how that becomes feedback.
#pragma once

#include "infer/reward.hpp"
#include "sources/source.hpp"
#include "world/judges.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace alignsweep::sources {

enum class LabelSource { annotators, ai, constitution };
enum class PairLabels { choices, probabilities };
enum class ThumbLabels { pairs, annotators };

// [feedback]: one set of completions of the SFT model, labelled as pairs, thumbs and ratings.
struct FeedbackConfig {
    config::Int prompts = 4096, max_new_tokens = 32;
    double temperature = 1.0, contrast = 0.5;
    world::AnnotatorConfig people{};
    LabelSource source = LabelSource::annotators;
    PairLabels labels = PairLabels::choices;
    ThumbLabels thumbs = ThumbLabels::pairs;

    void fields(config::FieldVisitor& visit) {
        visit("prompts", prompts, {1, 1e8}, "prompts, each answered twice");
        visit("max_new_tokens", max_new_tokens, {1, 65536}, "most tokens of a completion");
        visit("temperature", temperature, config::non_negative, "sampling temperature");
        visit("contrast", contrast, config::probability,
              "share of how-to prompts whose second answer was sampled for the twin request (unsafe for harmless and "
              "the reverse), so that refusals and compliance occur on both");
        people.fields(visit);
        visit("source", source, config::Choices{"annotators", "ai", "constitution"},
              "who labels: simulated people; the SFT model as judge (RLAIF); explicit rules (constitutional AI)");
        visit("labels", labels, config::Choices{"choices", "probabilities"},
              "pairs: one drawn choice each, or the probability of that choice (soft labels)");
        visit("thumbs", thumbs, config::Choices{"pairs", "annotators"},
              "KTO's labels: the pairs taken apart, or each answer judged alone against the annotator's standard");
    }
};

// A prompt with two answers.
struct Duel {
    PromptRow const* prompt;
    std::array<Completion, 2> answers{};
    Tokens contrast{};  // what the second answer is sampled for instead; empty: the prompt as well

    [[nodiscard]] bool is_equal() const { return answers[0].tokens == answers[1].tokens; }
};
// A number of each answer.
using Scores = std::vector<std::array<double, 2>>;

// A number of each answer of each duel.
template <class Number, class Of>
std::vector<std::array<Number, 2>> of_answers(std::vector<Duel> const& duels, Of const& of) {
    std::vector<std::array<Number, 2>> numbers;
    for (Duel const& duel : duels) {
        numbers.push_back({of(*duel.prompt, duel.answers[0]), of(*duel.prompt, duel.answers[1])});
    }
    return numbers;
}

// What a judge says of a duel.
struct Verdict {
    double first_better = 0.5;  // probability that it prefers the first answer
    bool chose_first = true;    // a choice drawn with it
    bool undecided = false;     // it has no preference and draws none: only a soft label (one half) can say so
    std::array<bool, 2> up{};   // thumbs, where it gives them
    std::array<std::int32_t, 2> rating{};
};

// Lets the SFT model give the answers.
void ask(Context const& context, infer::Weights const& sft, std::vector<Duel>& duels);

// Exact rewards of the answers.
[[nodiscard]] Scores gold_of(Source const& source, std::vector<Duel> const& duels);

// Pairs and thumbs from the verdicts, as [feedback] wants them; the duels are about these prompts. Metric:
// feedback/equal_answers.
[[nodiscard]] FeedbackData labelled(Context& context, std::vector<PromptRow> prompts, std::vector<Duel> const& duels,
                                    Scores const& gold, std::vector<Verdict> const& verdicts);

// A pair as two thumbs.
void take_apart(FeedbackData& feedback, std::int64_t chosen, std::int64_t rejected);

// Who labels the simulated feedback (feedback.source): people, another language model, or a constitution.
//
// People are world::Annotators. The other two score each answer alone, so no order of presentation can sway
// them (Lee et al., arXiv:2309.00267, section 2.1, ask a model for both orders to take that bias out), and prefer the
// first with probability sigma((s_1 - s_2) / feedback.choice_temperature):
//   ai            log-probability of the answer's tokens under the SFT model, mean over tokens: what the model itself
//                 would rather say. It errs where the model is sure of something wrong.
//   constitution  how many rules it keeps, by world::rules_kept. Equal scores leave a pair undecided: it knows no
//                 fact, and a coin would say nothing. As soft labels such pairs stand at one half.
// A thumb is up against the median score in the same way; ratings are fifths of the scores' order.
[[nodiscard]] std::vector<Verdict> label(Context& context, Source const& source, std::vector<Duel> const& duels,
                                         Scores const& gold, infer::Weights const& sft);

// Verdicts from two scores a duel. `ties`: whether equal scores are decided by a coin. `flip`: the share of choices and
// thumbs that are turned round by mistake.
struct ScoreRule {
    double temperature;
    bool ties;
    double flip = 0.0;
};
[[nodiscard]] std::vector<Verdict> verdicts_from_scores(Scores const& scores, ScoreRule const& rule,
                                                        std::uint64_t seed_feedback);

// Who compares two fresh answers in online DPO and online KTO (online_*.judge).
enum class Judge { reward_model, gold, annotators };

// A reward model and the gold reward name the answer with the higher reward, people the one that they choose.
class OnlineJudge {
public:
    // From the input "reward_model", or from the world's sections.
    OnlineJudge(Context& context, Judge who);

    struct Judgement {
        std::vector<Verdict> verdicts;  // choices alone; undecided: equal rewards, so the duel says nothing
        Scores rewards;                 // of the answers: the reward model's, or gold
    };
    // `first`: number of duels judged before, which tells each one's people and chance apart. Feedback's own
    // questions have other numbers.
    [[nodiscard]] Judgement judge(std::vector<Duel> const& duels, std::int64_t first);

    // Parameters of the model asked; 0: none is.
    [[nodiscard]] std::int64_t parameter_count() const { return reward_ ? reward_->parameter_count() : 0; }

private:
    std::optional<infer::Reward> reward_;
    std::unique_ptr<Source const> source_;
    std::optional<world::Annotators> people_;
    std::int64_t asked_before_ = 0;
};

}  // namespace alignsweep::sources
