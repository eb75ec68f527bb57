// SPDX-License-Identifier: Apache-2.0
// DPO whose reference follows the policy (TR-DPO): what the reference is after each step, and an exact resume.
#include "train/reference_sync.hpp"

#include "store/manifest.hpp"
#include "store/metrics.hpp"
#include "support/tiny.hpp"

#include <cmath>

namespace alignsweep::train {
namespace {

using kinds::testing::digests_of;
using kinds::testing::finished_life;
using kinds::testing::TemporaryFolder;

namespace fs = std::filesystem;

stages::StageSpec dpo_with(config::Int sync_steps, double sync_alpha) {
    auto config = finished_life().config;
    config.edit<kinds::DpoConfig>().sync_steps = sync_steps;
    if (sync_steps > 0) { config.edit<kinds::DpoConfig>().sync_alpha = sync_alpha; }
    config.edit<kinds::DpoConfig>().optimizer.learning_rate = 1e-2;  // steps that can be told apart
    return kinds::make_stage("dpo", config, 3, finished_life().specs.at("dpo").inputs);
}

// A finished run, in a folder of its own.
struct FinishedDpo {
    TemporaryFolder folder;
    stages::StageSpec spec;

    explicit FinishedDpo(stages::StageSpec const& spec_in) : spec(spec_in) {
        finished_life().copy_inputs("dpo", folder.path());
        stages::execute(spec, kinds::testing::host_of(folder.path()));
    }
    [[nodiscard]] fs::path stage() const { return folder.path() / spec.id(); }
    [[nodiscard]] std::vector<double> curve(std::string const& name) const {
        return store::MetricStream::load(stage() / "metrics.h5").column(name);
    }
    [[nodiscard]] double cost(std::string const& name) const { return store::read_manifest(stage())->costs.at(name); }
};

TEST(ReferenceSync, AHardSyncAtEachStepLeavesNoMargin) {
    auto const margins = FinishedDpo(dpo_with(1, 1.0)).curve("rewards/margins");
    ASSERT_GE(margins.size(), 4U);
    for (std::size_t s = 0; s < margins.size(); ++s) { EXPECT_NEAR(margins[s], 0.0, 1e-5) << "step " << s; }
    double largest = 0.0;
    for (double const margin : FinishedDpo(dpo_with(0, 0.0)).curve("rewards/margins")) {
        largest = std::max(largest, std::abs(margin));
    }
    EXPECT_GT(largest, 1e-3);  // without a sync there is one to see
}

TEST(ReferenceSync, BeginsAfterTheFirstSync) {
    auto const fixed = FinishedDpo(dpo_with(0, 0.0)).curve("loss"),
               moving = FinishedDpo(dpo_with(2, 0.6)).curve("loss");
    ASSERT_GE(fixed.size(), 4U);
    EXPECT_EQ(moving[0], fixed[0]);
    EXPECT_EQ(moving[1], fixed[1]);
    EXPECT_GT(std::abs(moving[2] - fixed[2]), 1e-5);
}

TEST(ReferenceSync, OfShareZeroIsTheFixedReference) {
    auto const fixed = FinishedDpo(dpo_with(0, 0.0)).curve("loss"), same = FinishedDpo(dpo_with(1, 0.0)).curve("loss");
    for (std::size_t s = 0; s < fixed.size(); ++s) { EXPECT_NEAR(same[s], fixed[s], 1e-5) << "step " << s; }
}

TEST(ReferenceSync, TheReferencesTokensAreCounted) {
    FinishedDpo const fixed(dpo_with(0, 0.0)), moving(dpo_with(2, 0.6));
    EXPECT_GT(moving.cost("tokens/policy"), 1.2 * fixed.cost("tokens/policy"));
    EXPECT_GT(moving.cost("flops/policy"), 1.05 * fixed.cost("flops/policy"));
}

TEST(ReferenceSync, MixesWeights) {
    model::Shape const shape{40, 16, 1, 2, 2, 32, 64, 10000.0, 1e-5, true, false};
    infer::Weights policy(shape), reference(shape);
    model::initialise(policy, 5, 0.05, 0.3);
    model::initialise(reference, 6, 0.05, 0.3);
    auto const new_weights = model::to_host(policy), old_weights = model::to_host(reference);
    std::vector<losses::Pair> pairs{{{{1, 2}, {3, 4}}, {{1, 2}, {5}}, -1.0, -2.0}};
    ReferenceSync sync(3, 0.25, 4, std::move(reference), policy, pairs);
    auto const around = sync.surroundings();
    std::vector<std::int64_t> const examples{0};
    for (std::int64_t const step : {0, 1}) {
        EXPECT_EQ(around.before(step, examples), 0.0);
        around.after(step);
    }
    EXPECT_EQ(model::to_host(sync.reference()), old_weights);
    EXPECT_EQ(pairs[0].chosen_reference, -1.0);
    around.after(2);
    auto const mixed = model::to_host(sync.reference());
    for (std::size_t i = 0; i < mixed.size(); ++i) {
        EXPECT_NEAR(mixed[i], 0.25 * new_weights[i] + 0.75 * old_weights[i], 1e-6);
    }
    EXPECT_EQ(model::to_host(policy), new_weights);
    EXPECT_EQ(around.before(3, examples), 7.0);
    infer::Transformer transformer(shape);
    std::vector<data::Example const*> const list{&pairs[0].chosen, &pairs[0].rejected};
    auto const expected = infer::sequence_logprobs(transformer, sync.reference(), list, 4);
    EXPECT_EQ(pairs[0].chosen_reference, expected[0]);
    EXPECT_EQ(pairs[0].rejected_reference, expected[1]);
}

void expect_same_run(FinishedDpo const& whole, fs::path const& stage) {
    EXPECT_EQ(digests_of(stage), digests_of(whole.stage()));
    EXPECT_EQ(store::read_manifest(stage)->costs, store::read_manifest(whole.stage())->costs);
}

TEST(ReferenceSync, StoppedAfterEveryStepItLeavesTheSameBytes) {
    FinishedDpo const whole(dpo_with(2, 0.6));
    TemporaryFolder folder;
    finished_life().copy_inputs("dpo", folder.path());
    stages::StageHost const stops{folder.path(), [] { return true; }, [](double) {}};
    int count = 0;
    for (; count < 100; ++count) {
        try {
            stages::execute(whole.spec, stops);
            break;
        } catch (core::Stopped const&) {}
    }
    EXPECT_GE(count, 4);
    expect_same_run(whole, folder.path() / whole.spec.id());
}

// Killed in mid-epoch: the curves are ahead of the newest checkpoint, and the last sync is lost with them.
TEST(ReferenceSync, KilledAfterASyncItLeavesTheSameBytes) {
    FinishedDpo const whole(dpo_with(2, 0.6));
    TemporaryFolder folder;
    finished_life().copy_inputs("dpo", folder.path());
    int asked = 0;
    stages::StageHost const stops{folder.path(), [&] { return ++asked == 3; }, [](double) {}};
    EXPECT_THROW(stages::execute(whole.spec, stops), core::Stopped);
    struct Killed {};
    asked = 0;
    stages::StageHost const dies{folder.path(), [&]() -> bool { return ++asked == 1 ? throw Killed() : false; },
                                 [](double) {}};
    auto spec = whole.spec;
    spec.config.edit<config::RunConfig>().metrics_seconds = 0.0;
    EXPECT_THROW(stages::execute(spec, dies), Killed);
    ASSERT_TRUE(fs::exists(folder.path() / spec.id() / "checkpoint-3.h5"));
    ASSERT_EQ(store::MetricStream::load(folder.path() / spec.id() / "metrics.h5").steps().size(), 4U);
    stages::execute(whole.spec, kinds::testing::host_of(folder.path()));
    expect_same_run(whole, folder.path() / whole.spec.id());
}

}  // namespace
}  // namespace alignsweep::train
