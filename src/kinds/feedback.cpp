// SPDX-License-Identifier: Apache-2.0
// feedback: two completions a prompt, labelled as pairs, thumbs and ratings alike, or the same read from files.
#include "kinds/runs.hpp"
#include "sources/source.hpp"
#include "train/partners.hpp"

#include <cmath>

namespace alignsweep::kinds {

namespace {

// Each thumb's mismatched partner, drawn once.
void add_partners(stages::Context const& context, stages::FeedbackData& feedback) {
    std::vector<train::Judged> judged;
    for (auto const& thumb : feedback.thumbs) {
        auto const& completion = feedback.completions[static_cast<std::size_t>(thumb.completion)];
        judged.push_back({&feedback.prompts[static_cast<std::size_t>(completion.prompt)].tokens, &completion.tokens});
    }
    auto const partners = train::draw_partners(judged, context.config.get<config::ModelConfig>().context,
                                               context.stream(&config::SeedConfig::feedback, "feedback/partners"), 0);
    for (std::size_t i = 0; i < partners.size(); ++i) {
        auto const other = static_cast<std::size_t>(partners[i]);
        feedback.thumbs[i].partner = partners[i] < 0 ? -1 : feedback.thumbs[other].completion;
    }
}

// How often a label names the answer with the higher gold reward as the better one.
void measure_agreement(stages::Context& context, stages::FeedbackData const& feedback) {
    double agreed = 0.0, counted = 0.0;
    for (auto const& pair : feedback.pairs) {
        double const gap = feedback.completions[static_cast<std::size_t>(pair.chosen)].gold -
                           feedback.completions[static_cast<std::size_t>(pair.rejected)].gold;
        if (std::isnan(gap) || gap == 0.0) { continue; }
        agreed += gap > 0.0 ? 1.0 : 0.0;
        counted += 1.0;
    }
    if (counted > 0.0) { context.result.metrics["feedback/agreement"] = agreed / counted; }
}

}  // namespace

void run_feedback(stages::Context& context) {
    stages::FeedbackData feedback = sources::open_source(context)->feedback();
    add_partners(context, feedback);
    measure_agreement(context, feedback);
    stages::save_feedback(context.folder(), feedback);
    double tokens = 0.0;
    for (auto const& completion : feedback.completions) { tokens += static_cast<double>(completion.tokens.size()); }
    context.result.metrics["feedback/pairs"] = static_cast<double>(feedback.pairs.size());
    context.result.metrics["feedback/thumbs"] = static_cast<double>(feedback.thumbs.size());
    context.add_cost("tokens/feedback", tokens);
}

}  // namespace alignsweep::kinds
