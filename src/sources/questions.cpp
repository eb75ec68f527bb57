// SPDX-License-Identifier: Apache-2.0
#include "sources/questions.hpp"

#include "train/rollout.hpp"

#include <algorithm>

namespace alignsweep::sources {

std::vector<Duel> ask(stages::Context const& context, infer::Weights const& sft,
                      std::vector<stages::PromptRow> const& prompts, std::vector<Question> const& questions) {
    auto const& config = context.section<config::FeedbackConfig>();
    std::vector<Duel> duels;
    std::array<std::vector<stages::Tokens>, 2> asked;
    for (Question const& question : questions) {
        duels.push_back({&prompts[static_cast<std::size_t>(question.prompt)], {}});
        asked[0].push_back(duels.back().prompt->tokens);
        asked[1].push_back(question.contrast.empty() ? asked[0].back() : question.contrast);
    }
    infer::Transformer transformer(sft.shape);
    auto const stream = context.stream(&config::SeedConfig::feedback, "feedback/samples");
    for (std::uint32_t which = 0; which < 2; ++which) {
        auto answers =
            train::answer(transformer, sft, asked[which], {stream, which, config.temperature, config.max_new_tokens},
                          context.chunk(), [&](double share) { context.pass(0.45 * (which + share)); });
        for (std::size_t i = 0; i < duels.size(); ++i) { duels[i].answers[which] = std::move(answers.completions[i]); }
    }
    return duels;
}

Scores gold_of(Source const& source, std::vector<Duel> const& duels) {
    return of_answers<double>(duels, [&](stages::PromptRow const& prompt, model::Completion const& answer) {
        return source.gold(prompt, answer.tokens, answer.ended);
    });
}

void take_apart(stages::FeedbackData& feedback, std::int64_t chosen, std::int64_t rejected) {
    feedback.thumbs.push_back({chosen, 1, -1});
    feedback.thumbs.push_back({rejected, 0, -1});
}

stages::FeedbackData labelled(stages::Context& context, std::vector<stages::PromptRow> prompts,
                              std::vector<Question> const& questions, std::vector<Duel> const& duels,
                              Scores const& gold, std::vector<Verdict> const& verdicts) {
    auto const& config = context.section<config::FeedbackConfig>();
    bool const judged_alone = config.thumbs == config::ThumbLabels::annotators,
               soft = config.labels == config::PairLabels::probabilities;
    stages::FeedbackData feedback;
    feedback.prompts = std::move(prompts);
    double equal = 0.0;
    for (std::size_t i = 0; i < duels.size(); ++i) {
        Verdict const& says = verdicts[i];
        auto const a = static_cast<std::int64_t>(2 * i), b = a + 1;
        for (std::size_t k = 0; k < 2; ++k) {
            feedback.completions.push_back({questions[i].prompt, duels[i].answers[k].tokens,
                                            k == 0 || questions[i].contrast.empty(), gold[i][k], says.rating[k]});
            if (judged_alone) { feedback.thumbs.push_back({a + static_cast<std::int64_t>(k), says.up[k] ? 1 : 0, -1}); }
        }
        if (duels[i].is_equal()) {
            equal += 1.0;
            continue;
        }
        if (says.undecided && !soft) { continue; }
        if (!judged_alone && !says.undecided) {
            take_apart(feedback, says.chose_first ? a : b, says.chose_first ? b : a);
        }
        // A soft label names the likelier one as chosen, so that what reads only the order reads the best of it.
        bool const first = soft ? says.first_better >= 0.5 : says.chose_first;
        double const probability = soft ? std::max(says.first_better, 1.0 - says.first_better) : 1.0;
        feedback.pairs.push_back({first ? a : b, first ? b : a, probability});
    }
    context.result.metrics["feedback/equal_answers"] = equal;
    return feedback;
}

}  // namespace alignsweep::sources
