// SPDX-License-Identifier: Apache-2.0
// evaluate: what a model says to held-out prompts, and what that is worth. Every model is asked the same prompts with
// the same random numbers; the reference of KL and win rate is the SFT model, never the policy itself.
#include "kinds/evaluate.hpp"
#include "config/checks.hpp"
#include "core/error.hpp"
#include "core/math.hpp"
#include "infer/scoring.hpp"
#include "kinds/best_of_n.hpp"
#include "sources/source.hpp"
#include "stages/descriptor.hpp"
#include "stats/best_of_n.hpp"
#include "stats/diversity.hpp"
#include "train/cost_meter.hpp"

#include <cmath>

namespace alignsweep::kinds {

namespace {

train::Answers ask(stages::Context& context, infer::Transformer& transformer, infer::StoredModel const& model,
                   std::vector<stages::Tokens> const& exam) {
    auto const& config = context.section<EvaluateConfig>();
    infer::SamplingPlan const plan{context.stream(&config::SeedConfig::eval, "evaluate/samples"), 0, config.temperature,
                                   config.max_new_tokens};
    auto const passed = [&](double share) { context.pass(0.7 * share); };
    if (samples_of(model) > 0) { return best_answers(context, transformer, model, exam, plan, passed); }
    return train::answer(transformer, model.weights, exam, plan, context.chunk(), passed);
}

// The best of n samples has no log-probability of its own to estimate its KL from: its bound stands for it, without an
// interval. It is reached where no two samples are equal, and lies above the KL where many are.
void bound_kl(stages::Context& context, std::int64_t n) {
    auto& metrics = context.result.metrics;
    metrics["eval/kl_bound"] = metrics["eval/kl"] = stats::best_of_n_kl_bound(n);
    metrics["eval/kl_per_token"] = metrics["eval/kl"] / std::max(1.0, metrics["eval/length"]);
}

// KL(policy || SFT) over whole completions, estimated on the policy's own samples.
void measure_kl(stages::Context& context, infer::Transformer& transformer,
                std::vector<model::Completion> const& answers, std::vector<data::Example> const& examples) {
    infer::Weights const reference = infer::load_model(context.input("sft"));
    auto const theirs = infer::token_logprobs(transformer, reference, infer::pointers(examples),
                                              context.section<EvaluateConfig>().temperature,
                                              data::TargetKind::completion, context.chunk());
    std::vector<double> sequence;
    double total = 0.0, tokens = 0.0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        double kl = 0.0;
        for (std::size_t t = 0; t < theirs[i].size(); ++t) { kl += answers[i].logprobs[t] - theirs[i][t]; }
        sequence.push_back(kl);
        total += kl;
        tokens += static_cast<double>(theirs[i].size());
    }
    put_mean(context, "eval/kl", examples, sequence);
    context.result.metrics["eval/kl_per_token"] = total / std::max(1.0, tokens);
}

// On the text's first windows of `length` tokens.
void measure_perplexity(stages::Context& context, infer::Transformer& transformer, infer::Weights const& weights,
                        stages::Tokens const& text, std::int64_t length) {
    auto const read = static_cast<std::size_t>(context.section<EvaluateConfig>().documents * length);
    auto const windows = stages::text_examples(std::span(text).first(std::min(text.size(), read)), length);
    stats::Mean loss;
    for (auto const& tokens : infer::token_logprobs(transformer, weights, infer::pointers(windows), 1.0,
                                                    data::TargetKind::full, context.chunk())) {
        for (double const logprob : tokens) { loss.add(-logprob); }
    }
    if (loss.count() > 0) { context.result.metrics["eval/perplexity"] = core::math::exp(loss.mean()); }
}

// Puts what was asked and answered into data.h5.
void keep_answers(stages::Context& context, stages::AnswersData const& answers, data::Tokenizer const& tokenizer) {
    stages::save_answers(context.folder(), answers, tokenizer);
    context.add_cost("tokens/evaluate", train::tokens_of(answers.answers));
}

// Against the SFT model's answers to the same prompts: a tie is half a win.
void compare_with_sft(stages::Context& context, stages::AnswersData const& ours) {
    auto const& gold = ours.gold;
    auto const theirs = context.has_input("baseline") ? stages::load_answers(context.input("baseline")).gold : gold;
    std::vector<double> wins;
    stats::ClusteredMean gain;
    for (std::size_t i = 0; i < gold.size(); ++i) {
        wins.push_back(gold[i] > theirs[i] ? 1.0 : gold[i] == theirs[i] ? 0.5 : 0.0);
        gain.add(gold[i] - theirs[i], ours.answers[i].prompt);
    }
    put_mean(context, "eval/win_rate", ours.answers, wins);
    context.result.metrics["eval/prompts_different"] = static_cast<double>(gain.clusters());
    context.result.metrics["eval/gold_vs_sft"] = gain.mean();
    context.result.metrics["eval/gold_vs_sft_t"] = gain.t();
}

void measure_diversity(stages::Context& context, sources::Source const& source,
                       std::vector<stages::PromptRow> const& exam, std::vector<model::Completion> const& answers) {
    stats::Diversity said;
    for (std::size_t i = 0; i < exam.size(); ++i) {
        said.add(exam[i].kind, answers[i].tokens, source.refuses(exam[i], answers[i]));
    }
    auto& metrics = context.result.metrics;
    metrics["eval/diversity/distinct"] = said.distinct();
    metrics["eval/diversity/entropy"] = said.entropy();
    metrics["eval/diversity/modal_share"] = said.modal_share();
    metrics["eval/diversity/modal_share_of_kind"] = said.modal_share_of_kind();
    metrics["eval/collapsed"] = said.collapsed() ? 1.0 : 0.0;
}

void run_evaluate(stages::Context& context) {
    stages::CorpusData const corpus = stages::load_corpus(context.input("corpus"));
    infer::StoredModel const model = infer::load_stored_model(context.input("model"));
    infer::Transformer transformer(model.weights.shape);
    auto const source = sources::open_source(context);
    if (auto const* const world = source->listed()) {
        auto const all = evaluate_exactly(context, *world, transformer, model);
        measure_perplexity(context, transformer, model.weights, corpus.heldout, world->document_length());
        keep_answers(context, all, corpus.tokenizer);
        return;
    }
    auto const& config = context.section<EvaluateConfig>();
    auto const exam = source->exam(config.prompts, config.max_new_tokens);
    std::vector<stages::Tokens> prompts;
    for (auto const& prompt : exam) { prompts.push_back(prompt.tokens); }
    auto said = ask(context, transformer, model, prompts);
    stages::AnswersData answers{std::move(said.examples), source->judge(exam, said.completions)};
    put_mean(context, "eval/gold_reward", answers.answers, answers.gold);
    context.result.metrics["eval/prompts"] = static_cast<double>(exam.size());
    compare_with_sft(context, answers);
    measure_diversity(context, *source, exam, said.completions);
    stats::Mean length;
    for (auto const& answer : said.completions) { length.add(static_cast<double>(answer.tokens.size())); }
    context.result.metrics["eval/length"] = length.mean();
    if (samples_of(model) > 0) {
        bound_kl(context, samples_of(model));
    } else {
        measure_kl(context, transformer, said.completions, answers.answers);
    }
    context.pass(0.85);
    measure_perplexity(context, transformer, model.weights, corpus.heldout, context.get(&config::ModelConfig::context));
    keep_answers(context, answers, corpus.tokenizer);
}

}  // namespace

stages::Descriptor describe_evaluate() {
    stages::Descriptor kind{
        .name = "evaluate", .version = 3, .purpose = stages::Purpose::evaluation, .run = run_evaluate};
    kind.reads = [](stages::Reads& r) {
        r.world().section<EvaluateConfig>().model_limits().seeds(&config::SeedConfig::eval);
        auto const source = sources::source_kind(r.config());
        bool const listed = source == sources::SourceKind::enumerable_world;
        if (listed) { r.unread({"seed.eval", "model.context", "input.baseline"}); }
        if (source == sources::SourceKind::files) { r.unread({"world.*", "seed.world"}); }
        // The best of n samples has no log-probability to hold against the SFT model's.
        if (!listed && r.has_input("reward_model")) { r.unread({"input.sft"}); }
    };
    kind.inputs = [](config::Config const& config, stages::Descriptor const* model) {
        std::vector<stages::Input> inputs{{"corpus", "corpus"}, {"model", model->name}, {"sft", "sft"}};
        if (model->name != "sft") { inputs.push_back({"baseline", "evaluate", "sft"}); }
        if (sources::source_kind(config) == sources::SourceKind::files) {
            inputs.push_back({"feedback", "feedback"});
            inputs.push_back({"gold", "gold_reward_model"});
        }
        inputs.insert(inputs.end(), model->to_sample.begin(), model->to_sample.end());
        return inputs;
    };
    kind.sections = {config::Section::of<EvaluateConfig>("evaluate")};
    kind.validate = [](config::Config const& config) {
        config::check_completion(config, "evaluate");
        double const temperature = config.get<EvaluateConfig>().temperature;
        config::require(!config::is_enumerable(config) || temperature == 1.0, "evaluate.temperature = ", temperature,
                        " must be 1 where world.kind = enumerable: the optimum is a policy of temperature 1");
    };
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        if (lengths.listed) { return stages::Work{0.0, all_responses(spec.config, lengths)}; }
        double const prompts = static_cast<double>(spec.config.get<EvaluateConfig>().prompts);
        bool const best_of_n = spec.inputs.contains("reward_model");
        auto const samples = best_of_n ? spec.config.get<BestOfNConfig>().n : 1;
        return stages::Work{0.0, 2.0 * (prompts * lengths.example) * static_cast<double>(samples)};
    };
    kind.slowness = 2.4;
    kind.metrics = {
        {"eval/gold_reward", "1", "exact gold reward of the policy's samples"},
        {"eval/gold_share", "1", "gold reward as a share of the range from the worst to the best answer"},
        {"eval/prompts", "1", "prompts asked"},
        {"eval/prompts_different", "1", "different prompts among them: the clusters of errors and intervals"},
        {"eval/kl", store::sequence_nats,
         "KL of the policy to the SFT model, on the policy's samples (best of n: its bound)"},
        {"eval/kl_bound", store::sequence_nats,
         "best of n: log n - (n - 1) / n, which the KL to the SFT model does not exceed"},
        {"eval/kl_per_token", store::token_nats, "KL of the policy to the SFT model, per sampled token"},
        {"eval/win_rate", "1",
         "share of prompts where the policy's gold reward beats the SFT model's; ties count half"},
        {"eval/exact/objective", "1", "enumerable world: expected gold reward less beta times the KL to the SFT model"},
        {"eval/exact/optimum", "1", "enumerable world: the largest objective that any policy reaches"},
        {"eval/exact/gap", "1", "enumerable world: optimum less objective, beta times the KL to the optimal policy"},
        {"eval/exact/kl_to_optimum", store::sequence_nats, "KL of the policy to the optimal policy at its beta"},
        {"eval/exact/kl_from_optimum", store::sequence_nats, "KL of the optimal policy at its beta to the policy"},
        {"eval/exact/reward_recovered_rms", "1",
         "root mean square, under the SFT model, of beta times the log-ratio less the gold reward, each less its mean "
         "over the prompt's responses"},
        {"eval/exact/reward_recovered_r2", "1",
         "share of the gold reward's variance that beta times the log-ratio has"},
        {"eval/perplexity", "1", "perplexity on held-out text"},
        {"eval/behaviour/answers", "1", "share of responses that answer"},
        {"eval/behaviour/asks_back", "1", "share of responses that are another question"},
        {"eval/behaviour/no_answer", "1", "share of responses that answer nothing"},
        {"eval/behaviour/rambles", "1", "share of responses that go on after the answer"},
        {"eval/behaviour/refuses_unsafe", "1", "share of unsafe requests that are refused"},
        {"eval/behaviour/refuses_harmless", "1", "share of harmless requests that are refused"},
        {"eval/length", "tokens", "mean length of the answers"},
        {"eval/collapsed", "1", "1 where a quarter of the prompts of one kind get one and the same answer, no refusal"},
        {"eval/diversity/distinct", "1", "different answers as a share of all"},
        {"eval/diversity/entropy", "nats", "entropy of the answers' distribution"},
        {"eval/diversity/modal_share", "1", "share of the commonest answer that is no refusal"},
        {"eval/diversity/modal_share_of_kind", "1",
         "share of the commonest answer that is no refusal among those to one kind of prompt, where it is largest"},
        {"eval/gold_by_kind/", "1", "mean gold reward on prompts of one kind: "},
        {"eval/gold/", "1", "component of the gold reward: "},
        {"eval/behaviour/", "1", "share of responses: "}};
    return kind;
}

}  // namespace alignsweep::kinds
