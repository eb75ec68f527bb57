// SPDX-License-Identifier: Apache-2.0
// What tests of stages share: a temporary folder and the life of one tiny trial.
#pragma once

#include "config/values.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "kinds/best_of_n.hpp"
#include "kinds/evaluate.hpp"
#include "kinds/kinds.hpp"
#include "kinds/online.hpp"
#include "kinds/preference.hpp"
#include "kinds/pretrain.hpp"
#include "kinds/reward_model.hpp"
#include "kinds/rlhf.hpp"
#include "kinds/token_values.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace alignsweep::kinds {

using stages::execute;
using stages::is_done;

}  // namespace alignsweep::kinds

namespace alignsweep::kinds::testing {

namespace fs = std::filesystem;

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = (fs::temp_directory_path() / "alignsweep-stages-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(TemporaryFolder const&) = delete;
    TemporaryFolder& operator=(TemporaryFolder const&) = delete;
    [[nodiscard]] fs::path const& path() const { return path_; }

private:
    fs::path path_;
};

inline config::Config tiny_config() {
    config::Config c = program().defaults;
    c.edit<config::ModelConfig>().width = 16;
    c.edit<config::ModelConfig>().depth = 1;
    c.edit<config::ModelConfig>().heads = c.edit<config::ModelConfig>().kv_heads = 2;
    c.edit<config::ModelConfig>().hidden = 32;
    c.edit<config::ModelConfig>().context = 96;
    c.edit<config::ModelConfig>().chunk = 4;
    c.edit<config::TokenizerConfig>().vocabulary = 400;
    c.edit<config::WorldConfig>().names = 6;
    c.edit<config::WorldConfig>().values = c.edit<config::WorldConfig>().objects = 4;
    c.edit<config::CorpusConfig>().documents = 200;
    c.edit<config::CorpusConfig>().heldout_documents = 8;
    c.edit<config::CorpusConfig>().sft_examples = 24;
    c.edit<PretrainConfig>().steps = 8;
    c.edit<PretrainConfig>().batch = 6;
    c.edit<PretrainConfig>().length = 32;
    // Enough for words that occur often: some answers then name what is asked for.
    c.edit<PretrainConfig>().optimizer.learning_rate = 0.05;
    config::assign(c, "sft", "epochs", "2", {});
    config::assign(c, "sft", "batch", "7", {});  // the last batch of an epoch is uneven
    config::assign(c, "sft", "learning_rate", "0.02", {});
    c.edit<sources::FeedbackConfig>().prompts = 20;
    c.edit<sources::FeedbackConfig>().max_new_tokens = c.edit<RlhfConfig>().max_new_tokens =
        c.edit<EvaluateConfig>().max_new_tokens = 12;
    c.edit<RewardModelConfig>().batch = c.edit<DpoConfig>().batch = 6;
    c.edit<RewardModelConfig>().epochs = c.edit<DpoConfig>().epochs = 2;
    c.edit<KtoConfig>().batch = 9;
    c.edit<KtoConfig>().epochs = 2;
    c.edit<RlhfConfig>().updates = 4;
    c.edit<RlhfConfig>().episodes = 12;
    c.edit<RlhfConfig>().minibatch = 6;
    c.edit<BestOfNConfig>().n = 3;
    for (OnlineConfig* online : {&c.edit<OnlineDpoConfig>().online, &c.edit<OnlineKtoConfig>().online}) {
        online->updates = 4;
        online->prompts = 9;
        online->max_new_tokens = 12;
    }
    c.edit<EvaluateConfig>().prompts = 16;
    c.edit<EvaluateConfig>().documents = 4;
    c.edit<TokenValuesConfig>().prompts = 8;
    c.edit<TokenValuesConfig>().continuations = 3;
    return c;
}

// The stages of one trial, by kind; those that look at a model look at dpo's.
inline std::map<std::string, stages::StageSpec> life_of(config::Config const& c, std::int64_t seed) {
    std::map<std::string, stages::StageSpec> specs;
    for (auto const& described : all()) {
        std::map<std::string, std::string> inputs;
        for (auto const& input : described.inputs(c, &kind("dpo"))) {
            auto const found = specs.find(input.kind);  // not there: the evaluation of another model
            if (found != specs.end()) { inputs[input.role] = found->second.id(); }
        }
        specs.emplace(described.name, make_stage(described.name, c, seed, inputs));
    }
    return specs;
}

// With the simulated world.
inline std::vector<std::string> names_of_kinds(bool training) {
    std::vector<std::string> names;
    auto const specs = life_of(tiny_config(), 3);
    for (auto const& described : all()) {
        bool const trains =
            described.work != nullptr && described.work(specs.at(described.name), {1.0, 1.0, false}).trained > 0.0;
        bool const of_real_data = described.name == "gold_reward_model";
        if ((trains || !training) && !of_real_data) { names.push_back(described.name); }
    }
    return names;
}
inline std::vector<std::string> const all_kinds = names_of_kinds(false);
inline std::vector<std::string> const training_kinds = names_of_kinds(true);

inline stages::StageHost host_of(fs::path const& stages) {
    return {stages, [] { return false; }, [](double) {}};
}

// Digests of what a finished stage leaves.
inline std::map<std::string, std::string> digests_of(fs::path const& folder) {
    std::map<std::string, std::string> digests;
    for (char const* name : {"checkpoint.h5", "value.h5", "metrics.h5", "data.h5"}) {
        if (fs::exists(folder / name)) { digests[name] = core::digest_of_file(folder / name); }
    }
    return digests;
}

// A trial that ran through once, for all tests of the program.
struct FinishedLife {
    TemporaryFolder folder;
    config::Config config = tiny_config();
    std::map<std::string, stages::StageSpec> specs = life_of(config, 3);

    FinishedLife() {
        for (auto const& kind : all_kinds) { execute(specs.at(kind), host_of(folder.path())); }
    }
    [[nodiscard]] fs::path of(std::string const& kind) const { return folder.path() / specs.at(kind).id(); }
    // Folder with the finished inputs of one stage and nothing else.
    void copy_inputs(std::string const& kind, fs::path const& to) const {
        for (auto const& [role, id] : specs.at(kind).inputs) {
            fs::copy(folder.path() / id, to / id, fs::copy_options::recursive | fs::copy_options::skip_existing);
        }
    }
};
inline FinishedLife const& finished_life() {
    static FinishedLife const life;
    return life;
}

}  // namespace alignsweep::kinds::testing
