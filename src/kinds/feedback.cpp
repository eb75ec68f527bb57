// SPDX-License-Identifier: Apache-2.0
// feedback: two completions a prompt, labelled as pairs, thumbs and ratings alike, or the same read from files.
#include "config/checks.hpp"
#include "config/values.hpp"
#include "infer/scoring.hpp"
#include "kinds/preference.hpp"
#include "train/partners.hpp"

namespace alignsweep::kinds {

namespace {

// Each thumb's mismatched partner, drawn once.
void add_partners(stages::Context const& context, stages::FeedbackData& feedback) {
    std::vector<data::Example> examples;
    for (auto const& thumb : feedback.thumbs) {
        examples.push_back(stages::example_of(feedback, thumb.completion, thumb.completion));
    }
    auto const partners = train::draw_partners(infer::pointers(examples), context.get(&config::ModelConfig::context),
                                               context.stream(&config::SeedConfig::feedback, "feedback/partners"), 0);
    for (std::size_t i = 0; i < partners.size(); ++i) {
        auto const other = static_cast<std::size_t>(partners[i]);
        feedback.thumbs[i].partner = partners[i] < 0 ? -1 : feedback.thumbs[other].completion;
    }
}

void run_feedback(stages::Context& context) {
    stages::FeedbackData feedback = sources::open_source(context)->feedback();
    add_partners(context, feedback);
    // How often a label names the answer with the higher gold reward as the better one.
    measure_pairs(context, feedback, "feedback/agreement",
                  [&](std::size_t chosen, std::size_t rejected) { return gold_prefers(feedback, chosen, rejected); });
    stages::save_feedback(context.folder(), feedback);
    double tokens = 0.0;
    for (auto const& completion : feedback.completions) { tokens += static_cast<double>(completion.tokens.size()); }
    context.result.metrics["feedback/pairs"] = static_cast<double>(feedback.pairs.size());
    context.result.metrics["feedback/thumbs"] = static_cast<double>(feedback.thumbs.size());
    context.add_cost("tokens/feedback", tokens);
}

}  // namespace

stages::Descriptor describe_feedback() {
    using config::DataConfig;
    stages::Descriptor kind{.name = "feedback", .version = 4, .run = run_feedback};
    kind.reads = [](stages::Reads& r) {
        r.keys(&DataConfig::preferences).seeds(&config::SeedConfig::feedback);
        if (sources::source_kind(r.config()) != sources::SourceKind::files) {
            r.gold().section<sources::FeedbackConfig>().model_limits();
            return;
        }
        r.keys(&DataConfig::thumbs, &DataConfig::too_long, &DataConfig::heldout_share);
        r.keys(&config::ModelConfig::context);
        r.bad_rows();
    };
    kind.inputs = [](config::Config const& config, stages::Descriptor const*) {
        std::vector<stages::Input> inputs{{"corpus", "corpus"}};
        // Real feedback is read, not sampled.
        if (sources::source_kind(config) != sources::SourceKind::files) { inputs.push_back({"sft", "sft"}); }
        return inputs;
    };
    kind.sections = {config::Section::of<sources::FeedbackConfig>("feedback")};
    kind.validate = [](config::Config const& config) {
        config::check_training_completion(config, "feedback");
        config::check_choice_of_real_data(config, "feedback", "source", "annotators");
        config::require(!config::is_enumerable(config) ||
                            config.get<sources::FeedbackConfig>().source == sources::LabelSource::annotators,
                        "feedback.source = ", config::value_of(config, "feedback", "source").text,
                        " must be annotators where world.kind = enumerable: the others read text");
    };
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        auto const prompts = static_cast<double>(spec.config.get<sources::FeedbackConfig>().prompts);
        return stages::Work{0.0, 2.0 * prompts * lengths.answer};
    };
    kind.slowness = 6.3;
    kind.entry = {
        "who labels",
        "P(first better) = sigma((r_1 - r_2) / choice_temperature), r by each annotator's values",
        "Bradley and Terry 1952",
        {{"feedback.source", "annotators", "simulated people", "Christiano et al. 1706.03741"},
         {"feedback.source", "ai", "a language model judges", "Lee et al. 2309.00267"},
         {"feedback.source", "constitution", "explicit rules judge", "Bai et al. 2212.08073"},
         {"feedback.labels", "choices", "a drawn choice", ""},
         {"feedback.labels", "probabilities", "the probability of the choice", "Lee et al. 2309.00267"},
         {"feedback.thumbs", "pairs", "thumbs: the pairs taken apart", "Ethayarajh et al. 2402.01306"},
         {"feedback.thumbs", "annotators", "thumbs: each answer judged alone", "Ethayarajh et al. 2402.01306"}}};
    kind.metrics = {{"feedback/agreement", "1",
                     "share of labelled pairs that the gold reward orders alike; its ties are left out"}};
    return kind;
}

}  // namespace alignsweep::kinds
