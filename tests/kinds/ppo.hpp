// SPDX-License-Identifier: Apache-2.0
// What the tests of the rlhf stage share.
#pragma once

#include "infer/models.hpp"
#include "store/metrics.hpp"
#include "support/tiny.hpp"

#include <cmath>

namespace alignsweep::kinds::testing {

// One rlhf stage beside its finished inputs.
struct Ppo {
    TemporaryFolder folder;
    stages::StageSpec spec;

    template <class Changes>
    explicit Ppo(Changes const& change) {
        auto const& life = finished_life();
        auto config = life.config;
        config.edit<RlhfConfig>().value_warmup = 2;
        change(config.edit<RlhfConfig>());
        std::map<std::string, std::string> inputs;
        auto const add = [&](std::string const& role) { inputs[role] = life.specs.at(role).id(); };
        add("sft");
        add("feedback");
        if (config.get<RlhfConfig>().reward == EpisodeReward::proxy) { add("reward_model"); }
        if (config.get<RlhfConfig>().reward == EpisodeReward::gold || config.get<RlhfConfig>().ptx_coef > 0.0) {
            add("corpus");
        }
        spec = make_stage("rlhf", config, 3, inputs);
        for (auto const& [role, id] : inputs) {
            fs::copy(life.folder.path() / id, folder.path() / id, fs::copy_options::recursive);
        }
    }
    [[nodiscard]] fs::path stage() const { return folder.path() / spec.id(); }
    Ppo& run() {
        execute(spec, host_of(folder.path()));
        return *this;
    }
    [[nodiscard]] std::vector<double> curve(std::string const& name) const {
        return store::MetricStream::load(stage() / "metrics.h5").column(name);
    }
    [[nodiscard]] std::vector<float> policy() const { return model::to_host(infer::load_model(stage())); }
};

inline double largest_difference(std::vector<float> const& a, std::vector<float> const& b) {
    EXPECT_EQ(a.size(), b.size());
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) { largest = std::max(largest, std::abs(double(a[i]) - double(b[i]))); }
    return largest;
}

inline std::vector<float> sft_weights() { return model::to_host(infer::load_model(finished_life().of("sft"))); }

}  // namespace alignsweep::kinds::testing
