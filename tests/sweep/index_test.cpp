// SPDX-License-Identifier: Apache-2.0
// The rows of sweep.h5 from what lies in the stages' folders.
#include "sweep/index.hpp"
#include "kinds/kinds.hpp"
#include "kinds/online.hpp"
#include "kinds/preference.hpp"
#include "kinds/rlhf.hpp"

#include "config/values.hpp"
#include "store/file.hpp"
#include "sweep/claim.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace alignsweep::sweep {
namespace {

namespace fs = std::filesystem;

class IndexTest : public ::testing::Test {
protected:
    IndexTest() {
        std::string pattern = (fs::temp_directory_path() / "alignsweep-index-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        std::vector<config::Entry> const entries{config::parse_set("sweep.method=dpo, kto")};
        plan_ = make_plan(config::expand(entries, kinds::program()));
    }
    ~IndexTest() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    using Texts = std::map<std::string, std::string>;
    void finish(std::string const& id, std::map<std::string, double> const& metrics = {}, Texts const& facts = {},
                Texts const& files = {}) const {
        fs::create_directories(folder_ / id);
        auto const& spec = plan_.stages.at(id);
        store::Manifest manifest;
        manifest.kind = spec.kind;
        manifest.key = spec.key;
        manifest.inputs = spec.inputs;
        manifest.facts = facts;
        manifest.facts["identity"] = spec.identity;
        for (auto const& [name, bytes] : files) {
            std::ofstream(folder_ / id / name) << bytes;
            manifest.files[name] = store::describe_file(folder_ / id / name);
        }
        manifest.metrics = metrics;
        manifest.seconds = 2.0;
        manifest.costs = {{"tokens/policy", 10.0}};
        store::write_manifest(folder_ / id, manifest);
    }
    [[nodiscard]] Trial const& trial(std::string const& method) const {
        for (auto const& trial : plan_.trials) {
            if (trial.method == method) { return trial; }
        }
        throw std::out_of_range(method);
    }
    [[nodiscard]] store::TrialRow row(Ledger const& ledger, std::string const& method) const {
        for (auto const& row : make_rows(plan_, ledger)) {
            if (row.method == method) { return row; }
        }
        throw std::out_of_range(method);
    }

    fs::path folder_;
    Plan plan_;
};

TEST_F(IndexTest, AFailureStaysWithWhatHangsOnIt) {
    for (auto const& id : trial("dpo").stages) { finish(id); }
    Ledger ledger(plan_, folder_, "attempt 1");
    auto const& kto = trial("kto");
    EXPECT_TRUE(ledger.inputs_done(kto.model_stage));
    ledger.mark_failed(kto.model_stage, "step 3: loss is not finite");
    EXPECT_EQ(ledger.failed_cause(kto.evaluate_stage), kto.model_stage);
    EXPECT_EQ(ledger.failed_cause(trial("dpo").evaluate_stage), "");
    EXPECT_EQ(row(ledger, "kto").status, "failed");
    EXPECT_EQ(row(ledger, "kto").error, kto.model_stage + ": step 3: loss is not finite");
    EXPECT_EQ(row(ledger, "dpo").status, "done");
    EXPECT_EQ(row(ledger, "dpo").error, "");

    // Another rank of the same attempt reads it from the folder; the next attempt tries again.
    Ledger const same(plan_, folder_, "attempt 1"), next(plan_, folder_, "attempt 2"), any(plan_, folder_, "");
    EXPECT_EQ(same.status(kto.model_stage), StageStatus::failed);
    EXPECT_EQ(same.error_of(kto.model_stage), "step 3: loss is not finite");
    EXPECT_EQ(next.status(kto.model_stage), StageStatus::pending);
    EXPECT_EQ(any.status(kto.model_stage), StageStatus::failed);
}

TEST_F(IndexTest, AFailureThatManyShareSkipsThem) {
    Ledger ledger(plan_, folder_, "1");
    std::string const sft = trial("sft").model_stage;
    ledger.mark_failed(sft, "no luck");
    for (char const* method : {"dpo", "kto"}) {
        EXPECT_EQ(row(ledger, method).status, "skipped") << method;
        EXPECT_EQ(row(ledger, method).error, sft + ": no luck");
    }
    EXPECT_EQ(row(ledger, "sft").status, "failed");
}

TEST_F(IndexTest, AFailedProxyLeavesTheTrialDone) {
    for (auto const& id : trial("dpo").stages) { finish(id); }
    Ledger ledger(plan_, folder_, "1");
    ledger.mark_failed(trial("dpo").side("proxy"), "no reward model");
    EXPECT_EQ(row(ledger, "dpo").status, "done");
}

TEST_F(IndexTest, TokenValuesStandInTheRowOnceTheyAreThere) {
    std::vector<config::Entry> const entries{config::parse_set("sweep.method=dpo"),
                                             config::parse_set("token_values.prompts=1")};
    plan_ = make_plan(config::expand(entries, kinds::program()));
    for (auto const& id : trial("dpo").stages) { finish(id, {{"eval/kl", 0.5}}); }
    char const* name = "eval/token/within/score/gold_sft";
    EXPECT_FALSE(row(Ledger(plan_, folder_, "1"), "dpo").metrics.contains(name));
    EXPECT_EQ(row(Ledger(plan_, folder_, "1"), "dpo").status, "done");
    finish(trial("dpo").side("token_values"), {{name, 0.25}});
    auto const dpo = row(Ledger(plan_, folder_, "1"), "dpo");
    EXPECT_EQ(dpo.metrics.at(name), 0.25);
    EXPECT_EQ(dpo.metrics.at("eval/kl"), 0.5);
}

TEST_F(IndexTest, AnEvaluationWithoutItsModelIsNotDone) {
    for (auto const& id : trial("dpo").stages) { finish(id); }
    fs::remove(folder_ / trial("dpo").model_stage / "stage.json");
    Ledger ledger(plan_, folder_, "1");
    EXPECT_EQ(row(ledger, "dpo").status, "pending");
    ledger.mark_failed(trial("dpo").model_stage, "no luck");
    EXPECT_EQ(row(ledger, "dpo").status, "failed");
}

TEST_F(IndexTest, CostsAreThoseOfTheWholeChain) {
    for (auto const& id : trial("dpo").stages) { finish(id, {{"eval/kl", 0.5}}); }
    Ledger const ledger(plan_, folder_, "1");
    auto const dpo = row(ledger, "dpo");
    auto const count = static_cast<double>(trial("dpo").stages.size());
    EXPECT_EQ(dpo.costs.at("cost/tokens/policy"), 10.0 * count);
    EXPECT_EQ(dpo.costs.at("cost/tokens/total"), 10.0 * count);
    EXPECT_EQ(dpo.seconds, 2.0 * count);
    EXPECT_EQ(dpo.costs.at("cost/models_in_memory"), 1.0);
    EXPECT_EQ(dpo.metrics.at("eval/kl"), 0.5);
    EXPECT_FALSE(dpo.digest.empty());
    // A metric's last bit moves the digest.
    finish(trial("dpo").evaluate_stage, {{"eval/kl", 0.5000000000000001}});
    EXPECT_NE(row(Ledger(plan_, folder_, "1"), "dpo").digest, dpo.digest);
}

TEST(Index, ModelsHeldFollowTheConfiguration) {
    config::Config c = kinds::program().defaults;
    auto const held = [&](char const* kind) { return kinds::models_held(kind, c).size(); };
    EXPECT_EQ(held("sft"), 1U);
    EXPECT_EQ(held("rlhf"), 4U);
    EXPECT_EQ(held("dpo"), 1U);
    EXPECT_EQ(held("kto"), 1U);
    EXPECT_EQ(held("best_of_n"), 2U);
    EXPECT_EQ(held("online_dpo"), 3U);
    EXPECT_EQ(held("online_kto"), 3U);
    c.edit<kinds::OnlineKtoConfig>().online.judge = sources::Judge::annotators;
    EXPECT_EQ(held("online_kto"), 2U);
    c.edit<kinds::RlhfConfig>().value_model = kinds::ValueModel::shared;
    EXPECT_EQ(held("rlhf"), 3U);
    c.edit<kinds::RlhfConfig>().reward = kinds::EpisodeReward::gold;
    EXPECT_EQ(held("rlhf"), 2U);
    c.edit<kinds::DpoConfig>().sync_steps = 512;
    EXPECT_EQ(held("dpo"), 2U);
}

TEST_F(IndexTest, ALivingClaimIsRunningAndADeadOneIsNot) {
    Ledger ledger(plan_, folder_, "1");
    std::string const corpus = plan_.stages.begin()->first;
    {
        auto const claim = Claim::take(ledger.claim_folder(corpus));
        claim->beat(0.0);
        ledger.refresh();
        EXPECT_EQ(ledger.status(corpus), StageStatus::running);
    }
    fs::create_directory(ledger.claim_folder(corpus));
    std::ofstream(ledger.claim_folder(corpus) / "owner.0") << "elsewhere 1 1\n";
    std::ofstream(ledger.claim_folder(corpus) / "heartbeat") << "0.5\n";
    ledger.refresh();
    EXPECT_EQ(ledger.status(corpus), StageStatus::running);
    fs::last_write_time(ledger.claim_folder(corpus) / "heartbeat",
                        fs::file_time_type::clock::now() - std::chrono::hours(1));
    ledger.refresh();
    EXPECT_EQ(ledger.status(corpus), StageStatus::pending);
}

TEST_F(IndexTest, ABrokenStageFailsItsTrialAlone) {
    for (auto const& t : plan_.trials) {
        for (auto const& id : t.stages) { finish(id); }
    }
    std::string const model = trial("dpo").model_stage;
    finish(model, {}, {}, {{"checkpoint.h5", "weights"}});
    EXPECT_EQ(row(Ledger(plan_, folder_, "1"), "dpo").status, "done");
    fs::remove(folder_ / model / "checkpoint.h5");
    Ledger ledger(plan_, folder_, "1");
    EXPECT_EQ(ledger.status(model), StageStatus::broken);
    EXPECT_EQ(ledger.with_status(StageStatus::broken), std::vector<std::string>{model});
    EXPECT_EQ(ledger.failed_cause(trial("dpo").evaluate_stage), "") << "an evaluation that stands needs no model";
    EXPECT_EQ(row(ledger, "dpo").status, "failed");
    EXPECT_EQ(row(ledger, "dpo").digest, "");
    EXPECT_NE(row(ledger, "dpo").error.find("checkpoint.h5: No such file or directory; `alignsweep repair"),
              std::string::npos)
        << row(ledger, "dpo").error;
    EXPECT_EQ(row(ledger, "kto").status, "done");
    ledger.refresh();  // broken stays broken until it is set aside
    EXPECT_EQ(ledger.status(model), StageStatus::broken);
}

TEST_F(IndexTest, DamagedCurvesStopNoIndex) {
    for (auto const& t : plan_.trials) {
        for (auto const& id : t.stages) { finish(id); }
    }
    std::string const model = trial("dpo").model_stage;
    finish(model, {}, {}, {{"metrics.h5", "no HDF5 at all"}});
    Ledger ledger(plan_, folder_, "1");
    EXPECT_EQ(row(ledger, "dpo").status, "done") << "its size and time are right";
    write_index(folder_, plan_, ledger);
    store::FileReader const index(folder_ / "sweep.h5");
    auto const method = index.read_labels("/trials/method"), status = index.read_labels("/trials/status"),
               error = index.read_labels("/trials/error");
    for (std::size_t i = 0; i < method.size(); ++i) {
        EXPECT_EQ(status[i], method[i] == "dpo" ? "failed" : "done") << method[i];
        EXPECT_EQ(error[i].find("metrics.h5: is not an HDF5 file; `alignsweep repair") != std::string::npos,
                  method[i] == "dpo")
            << error[i];
    }
}

TEST_F(IndexTest, DifferencesOfProgramsAndMachinesAreNamed) {
    for (auto const& t : plan_.trials) {
        for (auto const& id : t.stages) { finish(id, {}, {{"blas", "A"}, {"compiler", "12"}}); }
    }
    Ledger const same(plan_, folder_, "1");
    EXPECT_EQ(describe_differences(plan_, same, {}), "");
    EXPECT_EQ(describe_differences(plan_, same, {{"blas", "A"}, {"compiler", "12"}}), "");
    std::string const here = describe_differences(plan_, same, {{"blas", "B"}, {"compiler", "12"}});
    EXPECT_TRUE(here.starts_with("blas is A (") && here.ends_with(" stages) and B (here)")) << here;
    EXPECT_EQ(row(same, "kto").provenance, (Texts{{"blas", "A"}, {"compiler", "12"}}));

    finish(trial("dpo").model_stage, {}, {{"blas", "B"}});
    Ledger const mixed(plan_, folder_, "1");
    std::string const told = describe_differences(plan_, mixed, {});
    EXPECT_NE(told.find("blas is A ("), std::string::npos) << told;
    EXPECT_NE(told.find(" stages) and B (1 stage); compiler is 12 ("), std::string::npos) << told;
    EXPECT_NE(told.find("unknown (1 stage)"), std::string::npos) << told;
    EXPECT_EQ(row(mixed, "dpo").provenance, (Texts{{"blas", "A; B"}, {"compiler", "12; unknown"}}));
    EXPECT_EQ(row(mixed, "kto").provenance, (Texts{{"blas", "A"}, {"compiler", "12"}}));
}

}  // namespace
}  // namespace alignsweep::sweep
