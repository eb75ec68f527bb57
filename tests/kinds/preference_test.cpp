// SPDX-License-Identifier: Apache-2.0
// The variants of DPO and KTO as stages: each one trains, and no key is ignored.
#include "losses/preference.hpp"
#include "store/manifest.hpp"
#include "store/metrics.hpp"
#include "support/tiny.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace alignsweep::kinds {
namespace {

using testing::finished_life;
using testing::TemporaryFolder;

stages::StageSpec spec_of(std::string const& kind, std::function<void(config::Config&)> const& change) {
    auto config = finished_life().config;
    change(config);
    return make_stage(kind, config, 3, finished_life().specs.at(kind).inputs);
}

// Curves and costs of a finished run.
struct Outcome {
    store::MetricStream curves;
    std::map<std::string, double> costs;
};

Outcome outcome_of(stages::StageSpec const& spec) {
    TemporaryFolder folder;
    finished_life().copy_inputs(spec.kind, folder.path());
    execute(spec, testing::host_of(folder.path()));
    auto const stage = folder.path() / spec.id();
    return {store::MetricStream::load(stage / "metrics.h5"), store::read_manifest(stage)->costs};
}

TEST(DpoStage, EveryLossLearnsAndDiffersFromEveryOther) {
    std::map<double, std::string> last_losses;
    for (losses::PairLossRow const& row : losses::pair_losses()) {
        std::string const loss = row.name;
        auto const spec = spec_of("dpo", [&](config::Config& c) {
            c.edit<DpoConfig>().rule.row = &row;
            c.edit<DpoConfig>().batch = 1000;  // the same pairs at each step: the loss must fall
            c.edit<DpoConfig>().epochs = 8;
            c.edit<DpoConfig>().optimizer.learning_rate = 3e-3;
            if (row.is(losses::reads_smoothing)) { c.edit<DpoConfig>().rule.label_smoothing = 0.1; }
            if (loss == "discopop") {
                c.edit<DpoConfig>().rule.discopop_tau = 1.0;
            }  // at less it pulls margins near 0 down
        });
        auto const outcome = outcome_of(spec);
        auto const& losses = outcome.curves.column("loss");
        EXPECT_LT(losses.back(), losses.front()) << loss;
        auto const& margins = outcome.curves.column("rewards/margins");
        EXPECT_GT(margins.back(), margins.front()) << loss;
        EXPECT_TRUE(last_losses.emplace(losses.back(), loss).second) << loss << " is " << last_losses[losses.back()];
    }
}

void expect_refused(std::string const& kind, std::function<void(config::Config&)> const& change,
                    std::string const& word) {
    try {
        static_cast<void>(spec_of(kind, change));
        ADD_FAILURE() << word << " was taken";
    } catch (core::ConfigError const& error) {
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
}

// Before anything runs: a plan cannot hold such a stage.
TEST(DpoStage, RefusesKeysThatItsLossWouldIgnore) {
    expect_refused(
        "dpo", [](config::Config& c) { c.edit<DpoConfig>().rule.label_smoothing = 0.1; }, "dpo.label_smoothing = 0.1");
    expect_refused(
        "dpo", [](config::Config& c) { c.edit<DpoConfig>().rule.gamma_ratio = 0.5; }, "dpo.gamma_ratio = 0.5");
    expect_refused(
        "dpo", [](config::Config& c) { c.edit<DpoConfig>().sync_alpha = 0.5; }, "dpo.sync_alpha = 0.5");
    for (losses::PairLossRow const& row : losses::pair_losses()) {
        auto const change = [&](config::Config& c) {
            c.edit<DpoConfig>().rule.row = &row;
            c.edit<DpoConfig>().sync_steps = 4;
            if (row.is(losses::needs_smoothing)) { c.edit<DpoConfig>().rule.label_smoothing = 0.1; }
        };
        if (row.is(losses::no_reference)) {
            expect_refused("dpo", change, "dpo.sync_steps = 4");
        } else {
            EXPECT_NO_THROW(static_cast<void>(spec_of("dpo", change))) << row.name;
        }
    }
    // KTO does not read what DPO refuses.
    EXPECT_NO_THROW(
        static_cast<void>(spec_of("kto", [](config::Config& c) { c.edit<DpoConfig>().rule.label_smoothing = 0.1; })));
}

TEST(DpoStage, RefusesSoftLabelsWhereTheyMeanNothing) {
    for (losses::PairLossRow const& row : losses::pair_losses()) {
        if (!row.is(losses::hard_labels)) { continue; }
        auto const change = [&](config::Config& c) {
            c.edit<DpoConfig>().rule.row = &row;
            c.edit<sources::FeedbackConfig>().labels = sources::PairLabels::probabilities;
        };
        expect_refused("dpo", change, "feedback.labels");
    }
    EXPECT_NO_THROW(static_cast<void>(spec_of("dpo", [](config::Config& c) {
        c.edit<DpoConfig>().rule.row = &losses::pair_loss_row("ipo");
        c.edit<sources::FeedbackConfig>().labels = sources::PairLabels::probabilities;
    })));
}

// Pairs taken apart are not trained on as all chosen answers and then all rejected ones: a step sees both classes. z0
// is one number a step, and it moves.
TEST(KtoStage, StepsMixTheClassesAndZ0Moves) {
    auto const outcome = outcome_of(spec_of("kto", [](config::Config& c) {
        c.edit<KtoConfig>().optimizer.learning_rate = 1e-2;
        c.edit<KtoConfig>().epochs = 4;
    }));
    auto const& chosen = outcome.curves.column("logps/chosen");
    auto const& rejected = outcome.curves.column("logps/rejected");
    auto const& epoch = outcome.curves.column("epoch");
    ASSERT_GE(chosen.size(), 8U);
    for (std::size_t s = 0; s < chosen.size(); ++s) {
        if (epoch[s] == std::round(epoch[s])) { continue; }  // what is left over at an epoch's end may be one answer
        EXPECT_TRUE(std::isfinite(chosen[s]) && std::isfinite(rejected[s])) << "step " << s << " has one class alone";
    }
    auto const& z0 = outcome.curves.column("kl");
    EXPECT_NEAR(z0.front(), 0.0, 1e-5);
    EXPECT_GT(*std::max_element(z0.begin(), z0.end()), 1e-2);
}

TEST(KtoStage, WithoutZ0NothingIsEstimated) {
    auto const kto = outcome_of(spec_of("kto", [](config::Config&) {}));
    auto const apo = outcome_of(spec_of(
        "kto", [](config::Config& c) { c.edit<KtoConfig>().rule.row = &losses::thumb_loss_row("apo_zero_unpaired"); }));
    auto const has = [](Outcome const& outcome, std::string const& name) {
        auto const names = outcome.curves.names();
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    EXPECT_TRUE(has(kto, "kl"));
    EXPECT_FALSE(has(apo, "kl"));
    EXPECT_NEAR(apo.curves.column("loss").front(), 0.5, 1e-6);
    EXPECT_NE(apo.curves.column("loss").back(), kto.curves.column("loss").back());
    EXPECT_LT(apo.costs.at("tokens/policy"), kto.costs.at("tokens/policy"));
}

}  // namespace
}  // namespace alignsweep::kinds
