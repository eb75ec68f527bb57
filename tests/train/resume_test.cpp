// SPDX-License-Identifier: Apache-2.0
// A stage that was stopped, however often, leaves the same bytes as one that ran through.
#include "stages/artifacts.hpp"
#include "store/manifest.hpp"
#include "store/metrics.hpp"
#include "support/tiny.hpp"

namespace alignsweep::train {
namespace {

using kinds::testing::digests_of;
using kinds::testing::finished_life;
using kinds::testing::TemporaryFolder;

namespace fs = std::filesystem;

// Runs a stage that is asked to stop after each `steps` steps, until it is done; the number of stops.
int run_in_pieces(stages::StageSpec const& spec, fs::path const& stages, int steps) {
    for (int stops = 0;; ++stops) {
        int asked = 0;
        stages::StageHost const host{stages, [&] { return ++asked == steps; }, [](double) {}};
        try {
            stages::execute(spec, host);
            return stops;
        } catch (core::Stopped const&) { EXPECT_FALSE(stages::is_done(stages, spec.id())); }
        if (stops == 100) { return stops; }
    }
}

class Resume : public ::testing::TestWithParam<std::string> {
protected:
    Resume() : spec_(finished_life().specs.at(GetParam())) { finished_life().copy_inputs(GetParam(), folder_.path()); }
    [[nodiscard]] fs::path stage() const { return folder_.path() / spec_.id(); }
    void expect_same_bytes() const {
        EXPECT_EQ(digests_of(stage()), digests_of(finished_life().of(GetParam())));
        EXPECT_EQ(store::read_manifest(stage())->costs, store::read_manifest(finished_life().of(GetParam()))->costs);
        EXPECT_EQ(store::read_manifest(stage())->metrics,
                  store::read_manifest(finished_life().of(GetParam()))->metrics);
        for (auto const& entry : fs::directory_iterator(stage())) {
            EXPECT_FALSE(entry.path().filename().string().starts_with("checkpoint-")) << entry.path();
        }
    }

    TemporaryFolder folder_;
    stages::StageSpec spec_;
};

TEST_P(Resume, StoppedAfterEveryThirdStep) {
    EXPECT_GE(run_in_pieces(spec_, folder_.path(), 3), 1);
    expect_same_bytes();
}

TEST_P(Resume, StoppedAfterEveryStep) {
    EXPECT_GE(run_in_pieces(spec_, folder_.path(), 1), 4);
    expect_same_bytes();
}

TEST_P(Resume, CadenceOfCheckpointsAndCurvesMovesNoBit) {
    spec_.config.edit<config::RunConfig>().checkpoint_seconds = 0.0;
    spec_.config.edit<config::RunConfig>().metrics_seconds = 0.0;
    stages::execute(spec_, kinds::testing::host_of(folder_.path()));
    expect_same_bytes();
}

// kill -9: the curves on disk are ahead of the last checkpoint.
TEST_P(Resume, DropsTheRowsAfterTheCheckpoint) {
    int asked = 0;
    stages::StageHost const stops{folder_.path(), [&] { return ++asked == 1; }, [](double) {}};
    EXPECT_THROW(stages::execute(spec_, stops), core::Stopped);
    struct Killed {};
    asked = 0;
    stages::StageHost const dies{folder_.path(), [&]() -> bool { return ++asked == 2 ? throw Killed() : false; },
                                 [](double) {}};
    spec_.config.edit<config::RunConfig>().metrics_seconds = 0.0;
    EXPECT_THROW(stages::execute(spec_, dies), Killed);
    ASSERT_EQ(store::MetricStream::load(stage() / "metrics.h5").steps().size(), 3U);
    stages::execute(spec_, kinds::testing::host_of(folder_.path()));
    expect_same_bytes();
}

// No word of a stop, and the newest checkpoint may be worth nothing.
TEST_P(Resume, GoesOnFromAnEarlierCheckpointWhereTheNewestIsDamaged) {
    spec_.config.edit<config::RunConfig>().checkpoint_seconds = 0.0;
    int asked = 0;
    stages::StageHost const host{folder_.path(), [&] { return ++asked == 3; }, [](double) {}};
    EXPECT_THROW(stages::execute(spec_, host), core::Stopped);
    std::ofstream(stage() / "checkpoint-3.h5") << "half a checkpoint";
    ASSERT_TRUE(fs::exists(stage() / "checkpoint-2.h5"));
    stages::execute(spec_, kinds::testing::host_of(folder_.path()));
    expect_same_bytes();
}

TEST_P(Resume, StartsAgainWhereTheCurvesAreDamaged) {
    int asked = 0;
    stages::StageHost const host{folder_.path(), [&] { return ++asked == 3; }, [](double) {}};
    EXPECT_THROW(stages::execute(spec_, host), core::Stopped);
    std::ofstream(stage() / "metrics.h5") << "half a file";
    stages::execute(spec_, kinds::testing::host_of(folder_.path()));
    expect_same_bytes();
}

INSTANTIATE_TEST_SUITE_P(Kinds, Resume, ::testing::ValuesIn(kinds::testing::training_kinds),
                         [](auto const& info) { return info.param; });

TEST(Execute, RefusesAnInputThatIsNotWhatItsManifestSays) {
    TemporaryFolder folder;
    auto const& life = finished_life();
    life.copy_inputs("dpo", folder.path());
    // A whole file of the right kind, with other labels.
    fs::path const changed = folder.path() / life.specs.at("feedback").id();
    auto feedback = stages::load_feedback(changed);
    std::swap(feedback.pairs.at(0).chosen, feedback.pairs.at(0).rejected);
    stages::save_feedback(changed, feedback);
    try {
        stages::execute(life.specs.at("dpo"), kinds::testing::host_of(folder.path()));
        FAIL() << "ran on other data";
    } catch (core::IoError const& error) {
        EXPECT_NE(std::string(error.what()).find((changed / "data.h5").string()), std::string::npos) << error.what();
    }
    EXPECT_FALSE(stages::is_done(folder.path(), life.specs.at("dpo").id()));
}

TEST(Execute, RefusesAnUnfinishedInput) {
    TemporaryFolder folder;
    auto const& life = finished_life();
    life.copy_inputs("sft", folder.path());
    fs::remove(folder.path() / life.specs.at("pretrain").id() / "stage.json");
    EXPECT_THROW(stages::execute(life.specs.at("sft"), kinds::testing::host_of(folder.path())), core::IoError);
}

// A learning rate that no weights survive: the step is named, and no manifest stands.
TEST(Execute, ANumberThatIsNotFiniteStopsTheStage) {
    auto const& life = finished_life();
    auto config = life.config;
    for (std::string const kind : {"dpo", "kto", "rlhf"}) {
        TemporaryFolder folder;
        life.copy_inputs(kind, folder.path());
        config.edit<kinds::DpoConfig>().optimizer.learning_rate =
            config.edit<kinds::KtoConfig>().optimizer.learning_rate = 1e30;
        config.edit<kinds::RlhfConfig>().optimizer.learning_rate = 1e30;
        auto const spec = kinds::make_stage(kind, config, 3, life.specs.at(kind).inputs);
        try {
            stages::execute(spec, kinds::testing::host_of(folder.path()));
            ADD_FAILURE() << kind << " went on";
        } catch (core::TrialError const& error) {
            EXPECT_NE(std::string(error.what()).find("step "), std::string::npos) << error.what();
            EXPECT_NE(std::string(error.what()).find("not finite"), std::string::npos) << error.what();
        }
        EXPECT_FALSE(stages::is_done(folder.path(), spec.id()));
    }
}

// Nothing comes after the last step that could see what it has done: the finished weights are looked at.
TEST(Execute, AModelThatBreaksInItsLastStepIsNoResult) {
    auto const& life = finished_life();
    auto config = life.config;
    config.edit<kinds::DpoConfig>().epochs = 1;
    config.edit<kinds::DpoConfig>().batch = 1000;
    config.edit<kinds::DpoConfig>().optimizer.warmup = 0.0;
    config.edit<kinds::DpoConfig>().optimizer.learning_rate = 1e38;
    TemporaryFolder folder;
    life.copy_inputs("dpo", folder.path());
    auto const dpo = kinds::make_stage("dpo", config, 3, life.specs.at("dpo").inputs);
    EXPECT_THROW(stages::execute(dpo, kinds::testing::host_of(folder.path())), core::TrialError);
    EXPECT_FALSE(stages::is_done(folder.path(), dpo.id()));
}

TEST(Execute, AMetricThatIsNotFiniteIsNoResult) {
    auto const& life = finished_life();
    auto config = life.config;
    config.edit<kinds::EvaluateConfig>().temperature = 1e-300;  // float logits overflow
    TemporaryFolder folder;
    life.copy_inputs("evaluate", folder.path());
    auto const spec = kinds::make_stage("evaluate", config, 3, life.specs.at("evaluate").inputs);
    EXPECT_THROW(stages::execute(spec, kinds::testing::host_of(folder.path())), core::TrialError);
    EXPECT_FALSE(stages::is_done(folder.path(), spec.id()));
}

}  // namespace
}  // namespace alignsweep::train
