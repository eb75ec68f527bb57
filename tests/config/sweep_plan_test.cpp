// SPDX-License-Identifier: Apache-2.0
#include "config/sweep_plan.hpp"

#include "config/helpers.hpp"
#include "config/values.hpp"

#include <gtest/gtest.h>

namespace alignsweep::config {
namespace {

using core::ConfigError;
using testing::expect_error;
using testing::TemporaryFolder;
using Texts = std::vector<std::string>;

Texts const known = {"rlhf", "dpo", "kto"};

SweepSpec expand_text(std::string const& text, Texts const& sets = {}) {
    TemporaryFolder const folder;
    auto const entries = read_all({folder.write("demo.ini", text)}, sets);
    return expand(entries, {defaults(), known, kinds::program().validate});
}

// "dpo 1 dpo.beta=0.5" of every trial.
Texts shown(SweepSpec const& spec) {
    Texts trials;
    for (TrialPoint const& trial : spec.trials) {
        std::string text = trial.method + " " + std::to_string(trial.seed);
        for (auto const& [name, number] : trial.axes) { text += core::concat(" ", name, "=", number); }
        trials.push_back(text);
    }
    return trials;
}

// Expects an error in line 2 of "[sweep]" and `line`.
void expect_refused(std::string const& line, std::initializer_list<std::string_view> parts) {
    expect_error<ConfigError>([&] { (void)expand_text("[sweep]\n" + line + "\n"); }, {"demo.ini:2: "});
    expect_error<ConfigError>([&] { (void)expand_text("[sweep]\n" + line + "\n"); }, parts);
}

TEST(ConfigSweep, WithoutASectionEveryMethodRunsOnce) {
    SweepSpec const spec = expand({}, {defaults(), known, kinds::program().validate});
    EXPECT_EQ(shown(spec), (Texts{"rlhf 1", "dpo 1", "kto 1"}));
    EXPECT_EQ(to_ini(spec.trials[0].config), to_ini(defaults()));
}

TEST(ConfigSweep, SeedsAreListsAndRangesInTheOrderWritten) {
    EXPECT_EQ(shown(expand_text("[sweep]\nmethod = dpo\nseed = 11, 1..3, 1e2\n")),
              (Texts{"dpo 11", "dpo 1", "dpo 2", "dpo 3", "dpo 100"}));
    EXPECT_EQ(expand_text("[sweep]\nseed = 5 .. 5, 0\n").trials.size(), 6u);
}

TEST(ConfigSweep, OrderIsMethodThenAxesThenSeeds) {
    SweepSpec const spec =
        expand_text("[sweep]\nseed = 1..2\nsft.epochs = 4, 1\nmodel.depth = 1..2\nmethod = kto, dpo\n");
    EXPECT_EQ(shown(spec), (Texts{"kto 1 model.depth=1 sft.epochs=4", "kto 2 model.depth=1 sft.epochs=4",
                                  "kto 1 model.depth=2 sft.epochs=4", "kto 2 model.depth=2 sft.epochs=4",
                                  "kto 1 model.depth=1 sft.epochs=1", "kto 2 model.depth=1 sft.epochs=1",
                                  "kto 1 model.depth=2 sft.epochs=1", "kto 2 model.depth=2 sft.epochs=1",
                                  "dpo 1 model.depth=1 sft.epochs=4", "dpo 2 model.depth=1 sft.epochs=4",
                                  "dpo 1 model.depth=2 sft.epochs=4", "dpo 2 model.depth=2 sft.epochs=4",
                                  "dpo 1 model.depth=1 sft.epochs=1", "dpo 2 model.depth=1 sft.epochs=1",
                                  "dpo 1 model.depth=2 sft.epochs=1", "dpo 2 model.depth=2 sft.epochs=1"}));
    EXPECT_EQ(spec.trials[2].config.get<ModelConfig>().depth, 2);
    EXPECT_EQ(value_of(spec.trials[2].config, "sft", "epochs").text, "4");
}

TEST(ConfigSweep, AMethodsAxisMultipliesOnlyItsTrials) {
    SweepSpec const spec = expand_text("[sweep]\nseed = 1..3\ndpo.beta = 0.05, 0.1, 0.5\nrlhf.kl_coef = 0, 1\n");
    std::map<std::string, int> counts;
    for (TrialPoint const& trial : spec.trials) {
        ++counts[trial.method];
        EXPECT_EQ(trial.axes.contains("dpo.beta"), trial.method == "dpo");
        EXPECT_EQ(trial.axes.contains("rlhf.kl_coef"), trial.method == "rlhf");
        if (trial.method != "dpo") {
            EXPECT_EQ(trial.config.get<DpoConfig>().rule.beta, defaults().get<DpoConfig>().rule.beta);
        }
    }
    EXPECT_EQ(counts, (std::map<std::string, int>{{"rlhf", 6}, {"dpo", 9}, {"kto", 3}}));
    EXPECT_EQ(expand_text("[sweep]\nmethod = kto\ndpo.beta = 0.1, 0.5\n").trials.size(), 1u);
}

TEST(ConfigSweep, ZipPairsAxes) {
    SweepSpec const spec = expand_text(
        "[sweep]\nmethod = dpo\nzip = model.hidden, model.width\nmodel.width = 32, 64\nsft.epochs = 1, 2\n"
        "model.hidden = 86, 172\n");
    EXPECT_EQ(shown(spec), (Texts{"dpo 1 model.hidden=86 model.width=32 sft.epochs=1",
                                  "dpo 1 model.hidden=86 model.width=32 sft.epochs=2",
                                  "dpo 1 model.hidden=172 model.width=64 sft.epochs=1",
                                  "dpo 1 model.hidden=172 model.width=64 sft.epochs=2"}));
}

TEST(ConfigSweep, ZippedAxesOfMethodsApplyToEachAlone) {
    SweepSpec const spec =
        expand_text("[sweep]\ndpo.beta = 0.1, 0.5, 1\nkto.beta = 0.3, 0.3, 2\nzip = dpo.beta, kto.beta\n");
    EXPECT_EQ(shown(spec), (Texts{"rlhf 1", "dpo 1 dpo.beta=0.1", "dpo 1 dpo.beta=0.5", "dpo 1 dpo.beta=1",
                                  "kto 1 kto.beta=0.3", "kto 1 kto.beta=2"}));
}

TEST(ConfigSweep, RefusesBadZips) {
    std::string const axes = "[sweep]\nmodel.depth = 1, 2\nsft.epochs = 1, 2, 3\nkto.beta = 1, 2\n";
    auto const refuse = [&](std::string const& zip, std::initializer_list<std::string_view> parts) {
        expect_error<ConfigError>([&] { (void)expand_text(axes + zip); }, {"demo.ini:5: sweep.zip: "});
        expect_error<ConfigError>([&] { (void)expand_text(axes + zip); }, parts);
    };
    refuse("zip = model.depth, sft.epochs", {"model.depth has 2 values and sft.epochs has 3", "equal length"});
    refuse("zip = model.depth, model.width",
           {"model.width is not an axis", "allowed: model.depth, sft.epochs, kto.beta"});
    refuse("zip = model.depth", {"two or more"});
    refuse("zip = kto.beta, kto.beta", {"kto.beta is listed twice"});
    refuse("zip =", {"an empty list"});
    expect_refused("zip = a, b", {"this sweep has no axis"});
    expect_error<ConfigError>(
        [&] { (void)expand_text("[sweep]\nmodel.depth=1,1\nsft.epochs=2,2\nzip = model.depth, sft.epochs\n"); },
        {"demo.ini:2", "model.depth = 1, sft.epochs = 2 is listed twice"});
}

TEST(ConfigSweep, TextAxesCountByIndex) {
    SweepSpec const spec =
        expand_text("[sweep]\nmethod = rlhf\nrlhf.kl_estimator = k3, k1\nmodel.tied = true, false\n");
    ASSERT_EQ(spec.trials.size(), 4u);
    EXPECT_EQ(spec.trials[0].axes.at("rlhf.kl_estimator"), 1.0);
    EXPECT_EQ(spec.trials[0].text_axes.at("rlhf.kl_estimator"), "k3");
    EXPECT_EQ(spec.trials[0].config.get<kinds::RlhfConfig>().kl_estimator, losses::KlEstimator::k3);
    EXPECT_EQ(spec.trials[2].axes.at("rlhf.kl_estimator"), 0.0);
    EXPECT_EQ(spec.trials[1].axes.at("model.tied"), 0.0);
    EXPECT_FALSE(spec.trials[1].text_axes.contains("model.tied"));
}

TEST(ConfigSweep, FileAxesAreRelativeToTheirFile) {
    TemporaryFolder const folder;
    auto const file = folder.write("run/demo.ini",
                                   "[data]\npreferences = p.jsonl\n[sweep]\nmethod = dpo\ndata.corpus = ../a.txt, "
                                   "\"b, c.txt\"\n");
    SweepSpec const spec = expand(read_ini(file), {defaults(), known, kinds::program().validate});
    ASSERT_EQ(spec.trials.size(), 2u);
    EXPECT_EQ(spec.trials[0].config.get<DataConfig>().corpus, (folder.path() / "a.txt").string());
    EXPECT_EQ(spec.trials[1].config.get<DataConfig>().corpus, (folder.path() / "run/b, c.txt").string());
    EXPECT_EQ(spec.trials[1].axes.at("data.corpus"), 1.0);
    EXPECT_EQ(spec.trials[1].text_axes.at("data.corpus"), spec.trials[1].config.get<DataConfig>().corpus);
}

TEST(ConfigSweep, SetReplacesEarlierEntries) {
    std::string const text = "[sweep]\nseed = 1..8\nmethod = rlhf, kto\ndpo.beta = 1, 2, 3\nmodel.depth = 1, 2\n";
    SweepSpec const spec =
        expand_text(text, {"sweep.seed=101", "sweep.method=dpo", "sweep.model.depth=3..4", "sweep.dpo.beta=0.1,0.2"});
    // An axis keeps the place of its first mention.
    EXPECT_EQ(shown(spec), (Texts{"dpo 101 dpo.beta=0.1 model.depth=3", "dpo 101 dpo.beta=0.1 model.depth=4",
                                  "dpo 101 dpo.beta=0.2 model.depth=3", "dpo 101 dpo.beta=0.2 model.depth=4"}));
    expect_error<ConfigError>([&] { (void)expand_text(text, {"sweep.dpo.beta=0.1,x"}); },
                              {"--set sweep.dpo.beta=0.1,x: dpo.beta = x: not a finite number"});
}

TEST(ConfigSweep, AxesWinOverPlainSettings) {
    SweepSpec const spec =
        expand_text("[sweep]\nmethod = dpo\ndpo.beta = 0.5\n[dpo]\nbeta = 0.2\nbatch = 7\n", {"dpo.beta=0.9"});
    ASSERT_EQ(spec.trials.size(), 1u);
    EXPECT_EQ(spec.trials[0].config.get<DpoConfig>().rule.beta, 0.5);
    EXPECT_EQ(spec.trials[0].config.get<DpoConfig>().batch, 7);
}

TEST(ConfigSweep, RefusesBadMethods) {
    expect_refused("method = dpo, pdo", {"unknown method pdo (nearest: dpo; allowed: rlhf, dpo, kto)"});
    expect_refused("method = dpo, kto, dpo", {"method dpo is listed twice"});
    expect_refused("method =", {"sweep.method: an empty list"});
    expect_refused("method = dpo,, kto", {"an empty item"});
}

TEST(ConfigSweep, RefusesBadSeeds) {
    expect_refused("seed =", {"sweep.seed: an empty list"});
    expect_refused("seed = 1,", {"an empty item"});
    expect_refused("seed = 8..1", {"descending range 8..1", "a <= b"});
    expect_refused("seed = 1..x", {"malformed range 1..x"});
    expect_refused("seed = ..", {"malformed range .."});
    expect_refused("seed = 1...3", {"malformed range"});
    expect_refused("seed = x", {"x is not a seed", "integers and ranges a..b"});
    expect_refused("seed = 1.5", {"1.5 is not a seed"});
    expect_refused("seed = -1", {"seed -1 is out of range"});
    expect_refused("seed = 1..4, 3", {"seed 3 is listed twice"});
    expect_refused("seed = 1..1000001", {"too long", "1000000"});
    expect_refused("seed = -9223372036854775808..9223372036854775807", {"too long"});
    expect_refused("seed = 0..999999, 1000000", {"more than 1000000 seeds"});
}

TEST(ConfigSweep, RefusesBadAxes) {
    expect_refused("dpo.btea = 1, 2", {"unknown key dpo.btea in [sweep] (nearest: dpo.beta"});
    expect_refused("metod = dpo", {"unknown key metod in [sweep] (nearest: method", "method, seed, zip"});
    expect_refused("dpo. = 1", {"unknown key"});
    expect_refused("dpo.beta =", {"sweep.dpo.beta: an empty list"});
    expect_refused("dpo.beta = 0.1, , 0.2", {"an empty item"});
    expect_refused("dpo.beta = 0.1, -1", {"dpo.beta = -1: out of range; allowed: a number > 0"});
    expect_refused("dpo.beta = 1..3", {"range 1..3: only integers have ranges"});
    expect_refused("dpo.beta = 0.1, 0.10", {"dpo.beta = 0.10 is listed twice"});
    expect_refused("dpo.epochs = 3..1", {"descending range"});
    expect_refused("model.depth = 500..600", {"model.depth = 513: out of range; allowed: an integer from 1 to 512"});
    expect_refused("rlhf.kl_estimator = k1, k2", {"rlhf.kl_estimator = k2", "one of: k1, k3"});
    expect_refused("run.metrics_seconds = 1, 2", {"no result depends on [run]"});
}

TEST(ConfigSweep, RefusesTooManyTrials) {
    std::string const text = "[sweep]\nmethod = dpo\nseed = 1..1000\nsft.epochs = 1..1000\n";
    EXPECT_NO_THROW((void)expand_text("[sweep]\nmethod = dpo\nseed = 1..1000\nsft.epochs = 1..3\n"));
    expect_error<ConfigError>([&] { (void)expand_text(text + "model.depth = 1, 2\n"); }, {"more than 1000000 trials"});
    expect_error<ConfigError>([&] { (void)expand_text(text, {"sweep.method=dpo,kto"}); }, {"more than 1000000 trials"});
}

TEST(ConfigSweep, EveryTrialIsValidated) {
    expect_refused("model.heads = 4, 3",
                   {"model.heads = 3 does not divide model.width = 64", "method rlhf, model.heads = 3"});
    expect_error<ConfigError>([&] { (void)expand_text("[model]\nheads = 3\n"); }, {"model.heads = 3"});
    // Plain settings alone may be invalid where the axes put them right.
    EXPECT_NO_THROW((void)expand_text("[model]\nheads = 3\n[sweep]\nmodel.heads = 2, 4\nmodel.kv_heads = 1, 2\n"));
}

}  // namespace
}  // namespace alignsweep::config
