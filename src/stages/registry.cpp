// SPDX-License-Identifier: Apache-2.0
#include "stages/registry.hpp"

#include "config/values.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "stages/runs.hpp"

#include <algorithm>

namespace alignsweep::stages {

namespace {

// The variants of PPO read what they need of the world, of the model's seed and of pre-training.
void read_rlhf_keys(Reads& r) {
    r.sections({"rlhf"}).model_limits().seeds({"train", "rollout"});
    auto const& rlhf = r.config().rlhf;
    if (rlhf.reward == "gold") { r.world(); }
    if (rlhf.reward == "gold" || rlhf.value_model == "shared") { r.seeds({"model"}); }  // a new scalar head
    if (rlhf.ptx_coef > 0.0) { r.sections({"pretrain"}); }
}

}  // namespace

std::vector<StageKind> const& stage_kinds() {
    static std::vector<StageKind> const kinds{
        {"corpus", 1, run_corpus,
         [](Reads& r) {
             r.world().sections({"corpus", "tokenizer", "data"}).model_limits().seeds({"data"});
         },
         false},
        {"pretrain", 1, run_pretrain,
         [](Reads& r) {
             r.sections({"model", "pretrain"}).seeds({"model", "train"});
         },
         false},
        {"sft", 1, run_sft, [](Reads& r) { r.sections({"sft"}).model_limits().seeds({"train"}); }, false},
        {"feedback", 2, run_feedback,
         [](Reads& r) {
             r.world().sections({"feedback", "data"}).model_limits().seeds({"feedback"});
         },
         false},
        {"reference", 1, run_reference, [](Reads& r) { r.model_limits(); }, false},
        {"reward_model", 1, run_reward_model,
         [](Reads& r) {
             r.world().sections({"reward_model"}).model_limits().seeds({"model", "feedback", "train"});
         },
         false},
        {"gold_reward_model", 1, run_reward_model,
         [](Reads& r) {
             r.sections({"reward_model"}).model_limits().seeds({"model", "train"});
         },
         false},
        {"rlhf", 3, run_rlhf, read_rlhf_keys, true},
        {"dpo", 2, run_dpo, [](Reads& r) { r.sections({"dpo"}).model_limits().seeds({"train"}); }, true, check_dpo},
        {"kto", 2, run_kto, [](Reads& r) { r.sections({"kto"}).model_limits().seeds({"train"}); }, true},
        {"evaluate", 1, run_evaluate, [](Reads& r) { r.world().sections({"evaluate"}).model_limits().seeds({"eval"}); },
         false},
        {"proxy", 1, run_proxy, [](Reads& r) { r.model_limits(); }, false},
    };
    return kinds;
}

StageKind const& stage_kind(std::string const& name) {
    auto const& kinds = stage_kinds();
    auto const found = std::find_if(kinds.begin(), kinds.end(), [&](StageKind const& k) { return k.name == name; });
    core::check(found != kinds.end(), "stage kind ", name);
    return *found;
}

std::vector<std::string> const& method_names() {
    static std::vector<std::string> const names = [] {
        std::vector<std::string> methods;
        for (StageKind const& kind : stage_kinds()) {
            if (kind.is_method) { methods.push_back(kind.name); }
        }
        return methods;
    }();
    return names;
}

Reads::Reads(config::Config const& config, std::int64_t seed) : config_(config), seed_(seed) {}

Reads& Reads::sections(std::initializer_list<char const*> names) {
    for (char const* name : names) {
        bool found = false;
        config::Config::sections(config_, [&](char const* section_name, auto const& section) {
            if (std::string_view(section_name) != name) { return; }
            text_ += core::concat("[", name, "]\n", config::canonical(section));
            found = true;
        });
        core::check(found, "section ", name);
    }
    return *this;
}

Reads& Reads::world() {
    sections({"world"});
    if (config_.world.kind == "enumerable") { sections({"enumerable"}); }
    return seeds({"world"});
}

Reads& Reads::seeds(std::initializer_list<char const*> names) {
    for (char const* name : names) {
        config::Value const own = config::value_of(config_, "seed", name);
        text_ += core::concat("seed.", name, "=", own.number >= 0.0 ? own.text : std::to_string(seed_), "\n");
    }
    return *this;
}

Reads& Reads::model_limits() {
    text_ += core::concat("model.chunk=", config_.model.chunk, "\nmodel.context=", config_.model.context, "\n");
    return *this;
}

StageSpec make_stage(std::string const& kind, config::Config const& config, std::int64_t seed,
                     std::map<std::string, std::string> inputs) {
    StageKind const& entry = stage_kind(kind);
    if (entry.check != nullptr) { entry.check(config); }
    Reads reads(config, seed);
    entry.reads(reads);
    StageSpec spec{kind, "", "", std::move(inputs), config, seed};
    spec.identity = core::concat("kind=", kind, "\nversion=", entry.version, "\nbackend=", backend_name(),
                                 "\nscalar=", scalar_name(), "\n", reads.text());
    for (auto const& [role, id] : spec.inputs) { spec.identity += core::concat("input.", role, "=", id, "\n"); }
    spec.key = core::digest_of(spec.identity).substr(0, 16);
    return spec;
}

}  // namespace alignsweep::stages
