// SPDX-License-Identifier: Apache-2.0
// Runs one stage in its folder and publishes its manifest last.
#include "config/values.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "kinds/registry.hpp"
#include "store/manifest.hpp"
#include "store/publish.hpp"
#include "train/progress.hpp"

#include <chrono>
#include <cmath>

namespace alignsweep::kinds {

namespace fs = std::filesystem;

bool is_done(fs::path const& stages, std::string const& id) {
    auto const manifest = store::read_manifest(stages / id);
    if (manifest) { store::check_place(stages / id, *manifest); }
    return manifest.has_value();
}

namespace {

void make_folder(fs::path const& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) { throw core::IoError(core::concat(folder.string(), ": can't be made: ", error.message())); }
}

std::map<std::string, store::FileFact> facts_of_files(fs::path const& folder) {
    std::map<std::string, store::FileFact> facts;
    for (char const* name : {"checkpoint.h5", "value.h5", "data.h5", "metrics.h5"}) {
        if (fs::exists(folder / name)) { facts[name] = store::describe_file(folder / name); }
    }
    return facts;
}

// The files of the input stages must be what their manifests say before libhdf5 opens them. Returns what each holds, by
// role.
std::map<std::string, std::string> verify_inputs(stages::StageSpec const& spec, fs::path const& stages) {
    std::map<std::string, std::string> contents;
    for (auto const& [role, id] : spec.inputs) {
        auto const manifest = store::read_manifest(stages / id);
        if (!manifest) { throw core::IoError(core::concat((stages / id).string(), ": the stage is not finished")); }
        store::check_place(stages / id, *manifest);
        store::verify_files(stages / id, *manifest);
        contents[role] = store::content_digest(*manifest);
    }
    return contents;
}

// The curves up to where an earlier attempt stopped. Without them its checkpoints are of no use: a resumed run must
// leave the same curves as one that was never interrupted.
void load_curves(stages::Context& context, fs::path const& file) {
    try {
        if (fs::exists(file)) {
            context.curves = store::MetricStream::load(file);
            return;
        }
    } catch (core::IoError const& error) {
        core::log_warning(core::concat(error.what(), "; the stage starts again"));
        fs::remove(file);
    }
    train::remove_progress(context.folder());
}

// A model that broke in its very last step shows itself only here.
void check_results(stages::StageResult const& result) {
    for (auto const& [name, value] : result.metrics) {
        if (!std::isfinite(value)) { throw core::TrialError(name + " is not finite"); }
    }
}

}  // namespace

void execute(stages::StageSpec const& spec, stages::StageHost const& host) {
    auto const begin = std::chrono::steady_clock::now();
    stages::Context context(spec, host);
    make_folder(context.folder());
    auto made_from = verify_inputs(spec, host.stages);
    store::remove_temporaries(context.folder());
    core::LogFile const log(context.folder() / "log.txt");
    core::log_info(core::concat(spec.id(), ": starts"));
    store::write_text_atomically(context.folder() / "config.ini", config::to_ini(spec.config));
    auto const live_metrics = context.folder() / "metrics.h5";
    load_curves(context, live_metrics);
    stage_kind(spec.kind).run(context);
    check_results(context.result);
    if (!context.curves.steps().empty()) {
        context.curves.publish(live_metrics);
    } else {
        fs::remove(live_metrics);
    }
    train::remove_progress(context.folder());
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - begin;
    store::Manifest manifest;
    manifest.kind = spec.kind;
    manifest.key = spec.key;
    manifest.inputs = spec.inputs;
    manifest.made_from = std::move(made_from);
    manifest.files = facts_of_files(context.folder());
    manifest.metrics = context.result.metrics;
    manifest.facts = stages::run_facts();
    manifest.facts["identity"] = spec.identity;
    manifest.seconds = seconds.count();
    manifest.costs = context.result.costs;
    store::write_manifest(context.folder(), manifest);
    core::log_info(core::concat(spec.id(), ": done in ", static_cast<int>(seconds.count() * 10.0) / 10.0, " s"));
}

namespace {

// Seconds a FLOP of a kind, the reward model's being 1: the demo's stages on one core of a Xeon with AVX-512. Sampling
// goes token by token, and pre-training takes small steps.
double slowness(std::string const& kind) {
    if (kind == "feedback") { return 6.3; }
    if (kind == "evaluate") { return 2.4; }
    if (kind == "pretrain") { return 2.1; }
    if (kind == "rlhf" || kind.starts_with("online")) { return 1.7; }
    if (kind == "sft") { return 1.5; }
    return 1.2;
}

}  // namespace

Estimate estimate(stages::StageSpec const& spec) {
    auto const& c = spec.config;
    double const width = static_cast<double>(c.get<config::ModelConfig>().width),
                 hidden = static_cast<double>(c.get<config::ModelConfig>().hidden);
    double const parameters =
        static_cast<double>(c.get<config::TokenizerConfig>().vocabulary) * width +
        static_cast<double>(c.get<config::ModelConfig>().depth) * (4.0 * width * width + 3.0 * width * hidden);
    auto const count = [](config::Int value) { return static_cast<double>(value); };
    // Lengths of the simulated world's prompts and answers; only the order of the stages hangs on them.
    bool const listed = c.get<config::WorldConfig>().kind == config::WorldKind::enumerable;
    double const answer = listed ? count(c.get<config::EnumerableConfig>().length) : 14.0,
                 example = answer + (listed ? 3.0 : 10.0);
    double const pairs = count(c.get<config::FeedbackConfig>().prompts),
                 epochs_dpo = count(c.get<config::DpoConfig>().epochs);
    double trained = 0.0, forward = 0.0;
    if (spec.kind == "pretrain") {
        trained = count(c.get<config::PretrainConfig>().steps * c.get<config::PretrainConfig>().batch *
                        c.get<config::PretrainConfig>().length);
    }
    if (spec.kind == "sft") {
        trained = count(c.get<config::SftConfig>().epochs * c.get<config::CorpusConfig>().sft_examples) * example;
    }
    if (spec.kind == "feedback") { forward = 2.0 * pairs * answer; }
    if (spec.kind == "reference") { forward = 4.0 * pairs * example; }
    if (spec.kind.ends_with("reward_model")) {
        trained = 2.0 * count(c.get<config::RewardModelConfig>().epochs) * pairs * example;
    }
    if (spec.kind == "dpo") { trained = 2.0 * epochs_dpo * pairs * example; }
    if (spec.kind == "kto") { trained = forward = 2.0 * count(c.get<config::KtoConfig>().epochs) * pairs * example; }
    if (spec.kind == "rlhf") {
        double const episodes =
            count(c.get<config::RlhfConfig>().updates * c.get<config::RlhfConfig>().episodes) * example;
        trained = 2.0 * count(c.get<config::RlhfConfig>().epochs) * episodes;
        if (c.get<config::RlhfConfig>().ptx_coef > 0.0) {
            trained += count(c.get<config::RlhfConfig>().updates * c.get<config::RlhfConfig>().epochs *
                             c.get<config::RlhfConfig>().episodes * c.get<config::PretrainConfig>().length);
        }
        forward = 4.0 * episodes;
    }
    for (auto const& [kind, online] : {std::pair{"online_dpo", &c.get<config::OnlineDpoConfig>().online},
                                       std::pair{"online_kto", &c.get<config::OnlineKtoConfig>().online}}) {
        if (spec.kind != kind) { continue; }
        trained = 2.0 * count(online->updates * online->prompts) * example;
        forward = 3.0 * trained;  // sampled, judged, and under the reference
    }
    if (spec.kind == "evaluate") {  // with a reward model: best of n
        double const answers = count(c.get<config::EvaluateConfig>().prompts) * example;
        forward =
            2.0 * answers * (spec.inputs.contains("reward_model") ? count(c.get<config::BestOfNConfig>().n) : 1.0);
    }
    if (spec.kind == "token_values") {  // each beginning of two answers a prompt goes on under two models
        forward = 4.0 *
                  count(c.get<config::TokenValuesConfig>().prompts * c.get<config::TokenValuesConfig>().continuations) *
                  answer * example;
    }
    if (spec.kind == "proxy") { forward = count(c.get<config::EvaluateConfig>().prompts) * example; }
    if (listed && (spec.kind == "evaluate" || spec.kind == "proxy")) {  // all responses, once
        forward = count(c.get<config::EnumerableConfig>().prompts) *
                  std::pow(count(c.get<config::EnumerableConfig>().tokens - 1), answer) * example;
    }
    double const flops = parameters * (6.0 * trained + 2.0 * forward);
    return {trained + forward, flops, flops * slowness(spec.kind)};
}

}  // namespace alignsweep::kinds
