// SPDX-License-Identifier: Apache-2.0
// reference: the SFT model's log-probabilities of all feedback, once for every method, beta and epoch.
#include "stages/artifacts.hpp"
#include "stages/runs.hpp"
#include "stages/trainer.hpp"

namespace alignsweep::stages {

void run_reference(Context& context) {
    Weights const weights = load_model(context.input("sft"));
    FeedbackData const feedback = load_feedback(context.input("feedback"));
    Transformer transformer(weights.shape);
    int const chunk = static_cast<int>(context.config.model.chunk);
    std::vector<data::Example> completions, mismatched;
    for (std::size_t i = 0; i < feedback.completions.size(); ++i) {
        completions.push_back(example_of(feedback, feedback.completions[i].prompt, static_cast<std::int64_t>(i)));
    }
    for (auto const& thumb : feedback.thumbs) {
        auto const& own = feedback.completions[static_cast<std::size_t>(thumb.completion)];
        // Without a partner the row only keeps its place; KTO leaves it out.
        mismatched.push_back(example_of(feedback, own.prompt, thumb.partner >= 0 ? thumb.partner : thumb.completion));
    }
    ReferenceData reference;
    reference.completions = sequence_logprobs(transformer, weights, pointers(completions), chunk);
    context.host.progress(0.5);
    reference.mismatched = sequence_logprobs(transformer, weights, pointers(mismatched), chunk);
    save_reference(context.folder(), reference);
    double tokens = 0.0;
    for (auto const* examples : {&completions, &mismatched}) {
        for (auto const& example : *examples) { tokens += static_cast<double>(example.tokens()); }
    }
    context.add_cost("tokens/reference", tokens);
    context.add_cost("flops/reference", 2.0 * tokens * static_cast<double>(weights.layout.parameter_count()));
}

}  // namespace alignsweep::stages
