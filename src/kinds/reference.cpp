// SPDX-License-Identifier: Apache-2.0
// reference: the SFT model's log-probabilities of all feedback, once for every method, beta and epoch.
#include "infer/scoring.hpp"
#include "sources/labels.hpp"
#include "stages/descriptor.hpp"
#include "train/cost_meter.hpp"

#include <algorithm>
#include <span>

namespace alignsweep::kinds {

namespace {

// Of examples that lie between two shares of the stage's work; a stop is seen every few chunks.
std::vector<double> logprobs(stages::Context const& context, infer::Transformer& transformer,
                             infer::Weights const& weights, std::vector<data::Example> const& examples, double from,
                             double to) {
    int const chunk = context.chunk();
    auto const all = infer::pointers(examples);
    std::size_t const block = 16 * static_cast<std::size_t>(chunk);
    std::vector<double> result;
    for (std::size_t first = 0; first < all.size(); first += block) {
        std::span<data::Example const* const> const part(all.data() + first, std::min(block, all.size() - first));
        auto const sums = infer::sequence_logprobs(transformer, weights, part, chunk);
        result.insert(result.end(), sums.begin(), sums.end());
        context.pass(from + (to - from) * static_cast<double>(result.size()) / static_cast<double>(all.size()));
    }
    return result;
}

void run_reference(stages::Context& context) {
    infer::Weights const weights = infer::load_model(context.input("sft"));
    stages::FeedbackData const feedback = stages::load_feedback(context.input("feedback"));
    infer::Transformer transformer(weights.shape);
    auto const completions = stages::completion_examples(feedback);
    std::vector<data::Example> mismatched;
    for (auto const& thumb : feedback.thumbs) {
        // Without a partner the row only keeps its place; KTO leaves it out.
        std::int64_t const said = thumb.partner >= 0 ? thumb.partner : thumb.completion;
        mismatched.push_back(stages::example_of(feedback, thumb.completion, said));
    }

    stages::ReferenceData reference;
    reference.completions = logprobs(context, transformer, weights, completions, 0.0, 0.5);
    reference.mismatched = logprobs(context, transformer, weights, mismatched, 0.5, 1.0);
    stages::save_reference(context.folder(), reference);
    train::add_model_cost(context, "reference", weights.layout.parameter_count(),
                          train::tokens_of(completions) + train::tokens_of(mismatched));
}

}  // namespace

stages::Descriptor describe_reference() {
    stages::Descriptor kind{.name = "reference", .version = 2, .run = run_reference};
    kind.reads = [](stages::Reads& r) { r.model_limits().unread({"model.context"}); };
    kind.inputs = stages::always({{"sft", "sft"}, {"feedback", "feedback"}});
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        auto const prompts = static_cast<double>(spec.config.get<sources::FeedbackConfig>().prompts);
        return stages::Work{0.0, 4.0 * prompts * lengths.example};
    };
    return kind;
}

}  // namespace alignsweep::kinds
