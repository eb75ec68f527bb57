// SPDX-License-Identifier: Apache-2.0
#include "kinds/registry.hpp"

#include "config/values.hpp"
#include "core/error.hpp"
#include "kinds/runs.hpp"
#include "model/runtime.hpp"
#include "store/manifest.hpp"

#include <algorithm>
#include <sstream>

namespace alignsweep::kinds {

namespace {

using Models = std::vector<std::string>;

// Where no row may be bad, the result is that of before there was a choice, and so is the key.
void read_bad_rows_key(Reads& r) {
    if (r.config().get<config::DataConfig>().bad_rows != config::BadRows::error) { r.keys("data", {"bad_rows"}); }
}

// Real text stands for the world's where it is given; what only the other one needs is not read.
void read_corpus_keys(Reads& r) {
    auto const& data = r.config().get<config::DataConfig>();
    r.sections({"tokenizer"}).keys("model", {"context"}).keys("data", {"corpus", "too_long"});
    if (data.corpus.empty()) {
        r.world().sections({"corpus"}).seeds({"data"});
        return;
    }
    r.keys("data", {"sft", "heldout_share"});
    if (data.sft.empty()) { r.keys("data", {"preferences"}); }
    read_bad_rows_key(r);
}

void read_feedback_keys(Reads& r) {
    r.keys("data", {"preferences"}).seeds({"feedback"});
    if (r.config().get<config::DataConfig>().preferences.empty()) {
        r.world().sections({"feedback"}).model_limits();
    } else {
        r.keys("data", {"thumbs", "too_long", "heldout_share"}).keys("model", {"context"});
        read_bad_rows_key(r);
    }
}

// The variants of PPO read what they need of the world, of the model's seed and of pre-training.
void read_rlhf_keys(Reads& r) {
    r.sections({"rlhf"}).model_limits().seeds({"train", "rollout"});
    auto const& rlhf = r.config().get<config::RlhfConfig>();
    if (rlhf.reward == config::EpisodeReward::gold) { r.world(); }
    if (rlhf.reward == config::EpisodeReward::gold || rlhf.value_model == config::ValueModel::shared) {
        r.seeds({"model"});
    }  // a new scalar head
    if (rlhf.ptx_coef > 0.0) { r.sections({"pretrain"}); }
}

Models rlhf_models(config::Config const& c) {
    Models models{"policy", "reference"};
    if (c.get<config::RlhfConfig>().value_model == config::ValueModel::own) { models.push_back("value"); }
    if (c.get<config::RlhfConfig>().reward == config::EpisodeReward::proxy) { models.push_back("reward_model"); }
    return models;
}

// Stored reference log-probabilities do until the reference moves.
Models dpo_models(config::Config const& c) {
    return c.get<config::DpoConfig>().sync_steps > 0 ? Models{"policy", "reference"} : Models{"policy"};
}

// People and the gold reward judge by the world; people as feedback describes them.
void read_online_keys(Reads& r, config::OnlineConfig const& online) {
    r.model_limits().seeds({"rollout"});
    if (online.judge == config::Judge::reward_model) { return; }
    r.world();
    if (online.judge == config::Judge::annotators) { r.sections({"feedback"}).seeds({"feedback"}); }
}

Models online_models(config::OnlineConfig const& online) {
    Models models{"policy", "reference"};
    if (online.judge == config::Judge::reward_model) { models.push_back("reward_model"); }
    return models;
}

Models best_of_n_models(config::Config const& /*c*/) { return {"policy", "reward_model"}; }

}  // namespace

std::vector<StageKind> const& stage_kinds() {
    static std::vector<StageKind> const kinds{
        {"corpus", 1, run_corpus, read_corpus_keys, false},
        {"pretrain", 2, run_pretrain,
         [](Reads& r) {
             r.sections({"model", "pretrain"}).seeds({"model", "train"});
         },
         false},
        {"sft", 1, run_sft, [](Reads& r) { r.sections({"sft"}).model_limits().seeds({"train"}); }, false},
        {"feedback", 2, run_feedback, read_feedback_keys, false},
        {"reference", 1, run_reference, [](Reads& r) { r.model_limits(); }, false},
        {"reward_model", 1, run_reward_model,
         [](Reads& r) {
             // Its size is that of the SFT model that it starts from.
             r.section_without("reward_model", {"width", "depth"});
             r.world().model_limits().seeds({"model", "feedback", "train"});
         },
         false},
        {"gold_reward_model", 1, run_reward_model,
         [](Reads& r) {
             r.section_without("reward_model", {"width", "depth"}).model_limits().seeds({"model", "train"});
         },
         false},
        {"rlhf", 3, run_rlhf, read_rlhf_keys, true, nullptr, rlhf_models},
        {"dpo", 2, run_dpo, [](Reads& r) { r.sections({"dpo"}).model_limits().seeds({"train"}); }, true, check_dpo,
         dpo_models},
        {"kto", 2, run_kto, [](Reads& r) { r.sections({"kto"}).model_limits().seeds({"train"}); }, true},
        {"best_of_n", 1, run_best_of_n, [](Reads& r) { r.sections({"best_of_n"}); }, true, nullptr, best_of_n_models},
        {"online_dpo", 1, run_online_dpo,
         [](Reads& r) {
             read_online_keys(r.sections({"online_dpo"}), r.config().get<config::OnlineDpoConfig>().online);
         },
         true, nullptr, [](config::Config const& c) { return online_models(c.get<config::OnlineDpoConfig>().online); }},
        {"online_kto", 1, run_online_kto,
         [](Reads& r) {
             read_online_keys(r.sections({"online_kto"}), r.config().get<config::OnlineKtoConfig>().online);
         },
         true, nullptr, [](config::Config const& c) { return online_models(c.get<config::OnlineKtoConfig>().online); }},
        {"evaluate", 1, run_evaluate, [](Reads& r) { r.world().sections({"evaluate"}).model_limits().seeds({"eval"}); },
         false},
        {"token_values", 2, run_token_values,
         [](Reads& r) {
             r.world().sections({"token_values"}).keys("evaluate", {"max_new_tokens", "temperature"});
             r.model_limits().seeds({"eval"});
         },
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

std::vector<std::string> models_held(std::string const& kind, config::Config const& config) {
    StageKind const& entry = stage_kind(kind);
    return entry.models == nullptr ? std::vector<std::string>{"policy"} : entry.models(config);
}

Reads::Reads(config::Config const& config, std::int64_t seed) : config_(config), seed_(seed) {}

template <class Wanted>
Reads& Reads::add(char const* section, Wanted&& wanted) {
    config::Section const* const values = config_.find(section);
    core::check(values != nullptr, "section ", section);
    text_ += core::concat("[", section, "]\n");
    std::istringstream lines(config::canonical(*values));
    for (std::string line; std::getline(lines, line);) {
        if (wanted(line.substr(0, line.find('=')))) { text_ += line + '\n'; }
    }
    return *this;
}

Reads& Reads::sections(std::initializer_list<char const*> names) {
    for (char const* name : names) {
        add(name, [](std::string const&) { return true; });
    }
    return *this;
}

Reads& Reads::world() {
    sections({"world"});
    if (config_.get<config::WorldConfig>().kind == config::WorldKind::enumerable) { sections({"enumerable"}); }
    return seeds({"world"});
}

Reads& Reads::section_without(char const* section, std::initializer_list<std::string_view> keys) {
    return add(section, [&](std::string const& key) { return std::find(keys.begin(), keys.end(), key) == keys.end(); });
}

Reads& Reads::keys(char const* section, std::initializer_list<std::string_view> keys) {
    std::size_t taken = 0;
    add(section, [&](std::string const& key) {
        bool const wanted = std::find(keys.begin(), keys.end(), key) != keys.end();
        taken += wanted ? 1 : 0;
        return wanted;
    });
    core::check(taken == keys.size(), "a key of section ", section);
    return *this;
}

Reads& Reads::seeds(std::initializer_list<char const*> names) {
    for (char const* name : names) {
        config::Value const own = config::value_of(config_, "seed", name);
        text_ += core::concat("seed.", name, "=", own.number >= 0.0 ? own.text : std::to_string(seed_), "\n");
    }
    return *this;
}

Reads& Reads::model_limits() {
    auto const& model = config_.get<config::ModelConfig>();
    text_ += core::concat("model.chunk=", model.chunk, "\nmodel.context=", model.context, "\n");
    return *this;
}

stages::StageSpec make_stage(std::string const& kind, config::Config const& config, std::int64_t seed,
                             std::map<std::string, std::string> inputs) {
    StageKind const& entry = stage_kind(kind);
    if (entry.check != nullptr) { entry.check(config); }
    Reads reads(config, seed);
    entry.reads(reads);
    stages::StageSpec spec{kind, "", "", std::move(inputs), config, seed};
    spec.identity = core::concat("kind=", kind, "\nversion=", entry.version, "\nbackend=", model::backend_name(),
                                 "\nscalar=", model::scalar_name(), "\n", reads.text());
    for (auto const& [role, id] : spec.inputs) { spec.identity += core::concat("input.", role, "=", id, "\n"); }
    spec.key = store::key_of_identity(spec.identity);
    return spec;
}

}  // namespace alignsweep::kinds
