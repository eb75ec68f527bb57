// SPDX-License-Identifier: Apache-2.0
#include "kinds/kinds.hpp"
#include "kinds/preference.hpp"
#include "sweep/plan.hpp"

#include "config/sweep_plan.hpp"
#include "stages/stage.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace alignsweep::sweep {
namespace {

namespace fs = std::filesystem;

// What a folder says of its sweep means the same from everywhere: paths are absolute, in axes as well.
TEST(SweepIni, PathsAreAbsoluteWhereverTheyStand) {
    std::string pattern = (fs::temp_directory_path() / "alignsweep ini é, \"q\"-XXXXXX").string();
    fs::path const folder = ::mkdtemp(pattern.data());
    fs::create_directories(folder / "in" / "sub");
    fs::create_directories(folder / "out");
    for (char const* name : {"甲.jsonl", "b, c.jsonl", "\"d\".jsonl"}) {
        std::ofstream(folder / "in" / name) << "{}\n";
    }
    std::ofstream(folder / "in" / "sub" / "x.ini")
        << "[data]\ncorpus = ../甲.jsonl\n[dpo]\nbeta = 0.5\n[sweep]\nmethod = dpo\n"
        << "data.preferences = ../甲.jsonl, \"../b, c.jsonl\", \"../\"\"d\"\".jsonl\"\n"
        << "data.sft = \"../b, c.jsonl\"\n";
    auto const read = config::read_ini(folder / "in" / "sub" / "x.ini");
    write_sweep_ini(folder / "out", read);
    auto const before = config::expand(read, kinds::program());
    auto const after = config::expand(read_sweep_ini(folder / "out"), kinds::program());
    ASSERT_EQ(before.trials.size(), 3U);
    ASSERT_EQ(after.trials.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        auto const &data = after.trials[i].config.get<config::DataConfig>(),
                   &old = before.trials[i].config.get<config::DataConfig>();
        for (auto file : {&config::DataConfig::corpus, &config::DataConfig::preferences, &config::DataConfig::sft}) {
            EXPECT_TRUE(fs::path(data.*file).is_absolute()) << data.*file;
            EXPECT_TRUE(fs::exists(data.*file)) << data.*file;
            EXPECT_EQ(fs::weakly_canonical(data.*file), fs::weakly_canonical(old.*file));
        }
        EXPECT_EQ(after.trials[i].config.get<kinds::DpoConfig>().rule.beta, 0.5);
    }
    // Once more from what was written: nothing changes any more.
    std::ifstream in(folder / "out" / "sweep.ini");
    std::string const text{std::istreambuf_iterator<char>(in), {}};
    write_sweep_ini(folder / "out", read_sweep_ini(folder / "out"));
    std::ifstream again(folder / "out" / "sweep.ini");
    EXPECT_EQ((std::string{std::istreambuf_iterator<char>(again), {}}), text);
    fs::remove_all(folder);
}

}  // namespace
}  // namespace alignsweep::sweep
