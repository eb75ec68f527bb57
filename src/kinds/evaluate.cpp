// SPDX-License-Identifier: Apache-2.0
// evaluate: what a model says to held-out prompts, and what that is worth. Every model is asked the same prompts with
// the same random numbers; the reference of KL and win rate is the SFT model, never the policy itself.
#include "core/error.hpp"
#include "infer/reward.hpp"
#include "kinds/best_of_n.hpp"
#include "kinds/evaluate_exactly.hpp"
#include "sources/enumerable.hpp"
#include "stages/descriptor.hpp"
#include "stages/reads.hpp"
#include "stats/best_of_n.hpp"
#include "stats/mean.hpp"
#include "world/gold.hpp"

#include <cmath>
#include <limits>
#include <set>

namespace alignsweep::kinds {

namespace {

using stages::Reads;

// Prompts to ask, as tokens; in the simulated world also as prompts of that world.
struct Exam {
    std::vector<stages::Tokens> tokens;
    std::vector<world::Prompt> prompts;
};

Exam simulated_exam(stages::Context const& context, world::World const& world, data::Tokenizer const& tokenizer) {
    auto const stream = context.stream(&config::SeedConfig::eval, "evaluate/prompts");
    Exam exam;
    for (config::Int i = 0; i < context.section<config::EvaluateConfig>().prompts; ++i) {
        core::Draws draws(stream, 0, static_cast<std::uint32_t>(i));
        exam.prompts.push_back(world.prompt(world::Split::heldout, draws));
        exam.tokens.push_back(tokenizer.encode(exam.prompts.back().text));
    }
    return exam;
}

// Each held-out prompt once, in the order of the files.
Exam real_exam(stages::Context const& context) {
    Exam exam;
    std::set<stages::Tokens> seen;
    auto const limit = static_cast<std::size_t>(context.section<config::EvaluateConfig>().prompts);
    for (auto const& prompt : stages::load_feedback(context.input("feedback")).prompts) {
        bool const room =
            static_cast<config::Int>(prompt.tokens.size()) + context.section<config::EvaluateConfig>().max_new_tokens <=
            context.get(&config::ModelConfig::context);
        if (!prompt.heldout || !room || exam.tokens.size() == limit) { continue; }
        if (seen.insert(prompt.tokens).second) { exam.tokens.push_back(prompt.tokens); }
    }
    if (exam.tokens.empty()) {
        throw core::ConfigError(
            "evaluate: no held-out prompt leaves room for an answer; raise data.heldout_share or "
            "model.context");
    }
    return exam;
}

std::vector<model::Completion> answer(stages::Context& context, infer::Transformer& transformer,
                                      infer::StoredModel const& model, Exam const& exam) {
    auto const& config = context.section<config::EvaluateConfig>();
    infer::SamplingPlan const plan{context.stream(&config::SeedConfig::eval, "evaluate/samples"), 0, config.temperature,
                                   config.max_new_tokens};
    auto const passed = [&](double share) { context.pass(0.7 * share); };
    if (samples_of(model) > 0) { return best_answers(context, transformer, model, exam.tokens, plan, passed); }
    return infer::sample(transformer, model.weights, exam.tokens, plan, context.chunk(), passed);
}

// Gold reward and behaviour of every answer, from its text.
std::vector<double> judge_exactly(stages::Context& context, world::World const& world, data::Tokenizer const& tokenizer,
                                  Exam const& exam, std::vector<model::Completion> const& answers) {
    std::vector<double> gold;
    std::array<stats::Mean, world::value_count> values;
    std::map<std::string, stats::Mean> behaviour;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        std::string const text = tokenizer.decode(answers[i].tokens);
        auto const& prompt = exam.prompts[i];
        auto const value = world::values(world, prompt, text, answers[i].ended);
        gold.push_back(world::gold_reward(value, context.section<config::WorldConfig>()));
        for (std::size_t v = 0; v < world::value_count; ++v) { values[v].add(value[v]); }
        auto const what = world::behaviour(world, prompt, text, answers[i].ended);
        behaviour["answers"].add(what.answers);
        behaviour["asks_back"].add(what.asks_back);
        behaviour["no_answer"].add(what.no_answer);
        behaviour["rambles"].add(what.rambles);
        if (prompt.kind == world::PromptKind::unsafe) { behaviour["refuses_unsafe"].add(what.refuses); }
        if (prompt.kind != world::PromptKind::unsafe) { behaviour["refuses_harmless"].add(what.refuses); }
        if (prompt.kind == world::PromptKind::harmless) { behaviour["refuses_harmless_how_to"].add(what.refuses); }
    }
    for (std::size_t v = 0; v < world::value_count; ++v) {
        context.result.metrics["eval/gold/" + std::string(world::value_names[v])] = values[v].mean();
    }
    for (auto const& [name, mean] : behaviour) { context.result.metrics["eval/behaviour/" + name] = mean.mean(); }
    return gold;
}

void measure_length(stages::Context& context, std::vector<model::Completion> const& answers) {
    stats::Mean length;
    for (auto const& answer : answers) { length.add(static_cast<double>(answer.tokens.size())); }
    context.result.metrics["eval/length"] = length.mean();
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
                std::vector<model::Completion> const& answers, std::vector<data::Example const*> const& examples) {
    infer::Weights const reference = infer::load_model(context.input("sft"));
    auto const theirs =
        infer::token_logprobs(transformer, reference, examples, context.section<config::EvaluateConfig>().temperature,
                              data::TargetKind::completion, context.chunk());
    stats::Mean sequence;
    double total = 0.0, tokens = 0.0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        double kl = 0.0;
        for (std::size_t t = 0; t < theirs[i].size(); ++t) { kl += answers[i].logprobs[t] - theirs[i][t]; }
        sequence.add(kl);
        total += kl;
        tokens += static_cast<double>(theirs[i].size());
    }
    context.result.metrics["eval/kl"] = sequence.mean();
    context.result.metrics["eval/kl_low"] = sequence.mean() - sequence.half_interval();
    context.result.metrics["eval/kl_high"] = sequence.mean() + sequence.half_interval();
    context.result.metrics["eval/kl_per_token"] = total / std::max(1.0, tokens);
}

// On windows of `length` tokens.
void measure_perplexity(stages::Context& context, infer::Transformer& transformer, infer::Weights const& weights,
                        stages::Tokens const& text, std::int64_t length) {
    std::vector<data::Example> windows;
    for (auto const window : data::windows(text, length)) {
        if (static_cast<config::Int>(windows.size()) == context.section<config::EvaluateConfig>().documents) { break; }
        windows.push_back({{}, stages::Tokens(window.begin(), window.end())});
    }
    stats::Mean loss;
    for (auto const& tokens : infer::token_logprobs(transformer, weights, infer::pointers(windows), 1.0,
                                                    data::TargetKind::full, context.chunk())) {
        for (double const logprob : tokens) { loss.add(-logprob); }
    }
    if (loss.count() > 0) { context.result.metrics["eval/perplexity"] = std::exp(loss.mean()); }
}

// Puts what was asked and answered into data.h5.
void keep_answers(stages::Context& context, stages::AnswersData const& answers, data::Tokenizer const& tokenizer) {
    stages::save_answers(context.folder(), answers, tokenizer);
    double tokens = 0.0;
    for (auto const& example : answers.answers) { tokens += static_cast<double>(example.tokens()); }
    context.add_cost("tokens/evaluate", tokens);
}

// Against the SFT model's answers to the same prompts: a tie is half a win.
void compare_with_sft(stages::Context& context, std::vector<double> const& gold) {
    auto const theirs = context.has_input("baseline") ? stages::load_answers(context.input("baseline")).gold : gold;
    stats::Mean wins, gain;
    for (std::size_t i = 0; i < gold.size(); ++i) {
        wins.add(gold[i] > theirs[i] ? 1.0 : gold[i] == theirs[i] ? 0.5 : 0.0);
        gain.add(gold[i] - theirs[i]);
    }
    auto& metrics = context.result.metrics;
    metrics["eval/win_rate"] = wins.mean();
    metrics["eval/win_rate_low"] = wins.mean() - wins.half_interval();
    metrics["eval/win_rate_high"] = wins.mean() + wins.half_interval();
    metrics["eval/gold_vs_sft"] = gain.mean();
    metrics["eval/gold_vs_sft_t"] = gain.t();
}

void run_evaluate(stages::Context& context) {
    stages::CorpusData const corpus = stages::load_corpus(context.input("corpus"));
    infer::StoredModel const model = infer::load_stored_model(context.input("model"));
    infer::Transformer transformer(model.weights.shape);
    if (sources::is_enumerable(context)) {
        auto const all = evaluate_exactly(context, transformer, model);
        measure_perplexity(context, transformer, model.weights, corpus.heldout,
                           sources::enumerable_world(context).document_length());
        keep_answers(context, all, corpus.tokenizer);
        return;
    }
    bool const simulated = !context.has_input("gold");
    world::World const world(context.section<config::WorldConfig>(), context.seed(&config::SeedConfig::world));
    Exam const exam = simulated ? simulated_exam(context, world, corpus.tokenizer) : real_exam(context);
    auto const completions = answer(context, transformer, model, exam);
    stages::AnswersData answers;
    for (std::size_t i = 0; i < completions.size(); ++i) {
        answers.answers.push_back({exam.tokens[i], completions[i].tokens});
    }

    auto const examples = infer::pointers(answers.answers);
    if (simulated) {
        answers.gold = judge_exactly(context, world, corpus.tokenizer, exam, completions);
    } else {
        answers.gold = infer::Reward(context.input("gold"), context.chunk()).score(examples);
    }
    stats::Mean gold;
    for (double const reward : answers.gold) { gold.add(reward); }
    auto& metrics = context.result.metrics;
    metrics["eval/gold_reward"] = gold.mean();
    metrics["eval/gold_reward_low"] = gold.mean() - gold.half_interval();
    metrics["eval/gold_reward_high"] = gold.mean() + gold.half_interval();
    metrics["eval/prompts"] = static_cast<double>(exam.tokens.size());
    compare_with_sft(context, answers.gold);
    measure_length(context, completions);
    if (samples_of(model) > 0) {
        bound_kl(context, samples_of(model));
    } else {
        measure_kl(context, transformer, completions, examples);
    }
    context.pass(0.85);
    measure_perplexity(context, transformer, model.weights, corpus.heldout, context.get(&config::ModelConfig::context));
    keep_answers(context, answers, corpus.tokenizer);
}

}  // namespace

stages::Descriptor describe_evaluate() {
    return {.name = "evaluate",
            .version = 1,
            .purpose = stages::Purpose::evaluation,
            .run = run_evaluate,
            .reads =
                [](Reads& r) {
                    r.world().section<config::EvaluateConfig>().model_limits().seeds(&config::SeedConfig::eval);
                    bool const listed = r.get<config::WorldConfig>().kind == config::WorldKind::enumerable;
                    if (listed) { r.unread({"seed.eval", "model.context", "input.baseline"}); }
                    // The best of n samples has no log-probability to hold against the SFT model's.
                    if (!listed && r.has_input("reward_model")) { r.unread({"input.sft"}); }
                },
            .inputs =
                [](config::Config const& config, stages::Descriptor const* model) {
                    std::vector<stages::Input> inputs{{"corpus", "corpus"}, {"model", model->name}, {"sft", "sft"}};
                    if (model->name != "sft") { inputs.push_back({"baseline", "evaluate", "sft"}); }
                    if (!config.get<config::DataConfig>().preferences.empty()) {
                        inputs.push_back({"feedback", "feedback"});
                        inputs.push_back({"gold", "gold_reward_model"});
                    }
                    inputs.insert(inputs.end(), model->to_sample.begin(), model->to_sample.end());
                    return inputs;
                },
            .work =
                [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
                    if (lengths.listed) { return stages::Work{0.0, all_responses(spec.config, lengths)}; }
                    double const prompts = static_cast<double>(spec.config.get<config::EvaluateConfig>().prompts);
                    bool const best_of_n = spec.inputs.contains("reward_model");
                    auto const samples = best_of_n ? spec.config.get<config::BestOfNConfig>().n : 1;
                    return stages::Work{0.0, 2.0 * (prompts * lengths.example) * static_cast<double>(samples)};
                },
            .slowness = 2.4};
}

}  // namespace alignsweep::kinds
