// SPDX-License-Identifier: Apache-2.0
// sweep.h5, and the samples that readers_test.py opens with other libraries.
#include "store/sweep_file.hpp"
#include "core/digest.hpp"
#include "store/checkpoint.hpp"
#include "store/file.hpp"
#include "store/metrics.hpp"
#include "store/temporary_folder.hpp"

#include <cmath>
#include <cstdlib>

namespace alignsweep::store {
namespace {

using testing::message_of;
using testing::TemporaryFolder;

// Of kinds of stages.
std::vector<MetricInfo> const own_metrics{{"eval/kl", sequence_nats, "KL to the SFT model"},
                                          {"objective/kl", sequence_nats, "KL to the reference"}};

std::vector<TrialRow> sample_rows() {
    std::vector<TrialRow> rows(3);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i].trial = static_cast<std::int64_t>(i);
        rows[i].key = "key" + std::to_string(i);
        rows[i].status = "done";
        rows[i].seed = 8 - static_cast<std::int64_t>(i);
        rows[i].seconds = 0.5;
        rows[i].costs = {{"cost/flops/total", 1e12}};
    }
    rows[0].method = "sft";
    rows[1].method = "dpo";
    rows[1].axes = {{"dpo.beta", 0.1}, {"dpo.loss", 4.0}, {"feedback.flip", 0.2}};
    rows[1].text_axes = {{"dpo.loss", "ipo"}};
    rows[1].metrics = {{"eval/gold_reward", 4.25}, {"eval/kl", 1.5}};
    rows[1].provenance = {{"blas", "A; B"}, {"git_commit", "c774"}};
    rows[2].method = "kto";
    rows[2].axes = {{"feedback.flip", 0.2}};
    rows[2].status = "failed";
    rows[2].error = "step 7: NaN in gr\xc3\xbc\xc3\x9f";
    return rows;
}

std::vector<Curve> sample_curves() {
    return {{1, {10, 20}, {{"loss", {0.7, 0.6}}, {"rewards/margins", {0.0, 0.1}}}},
            {2, {}, {{"loss", {}}}},
            {2, {10, 20, 30}, {{"loss", {0.5, 0.4, 0.3}}, {"kl", {1, 2, 3}}}}};
}

TEST(Sweep, rows_and_curves_become_columns) {
    TemporaryFolder const folder;
    std::string const digest = write_sweep(folder / "sweep.h5", sample_rows(), sample_curves(),
                                           {{"softwareVersion", "1.2"}, {"commit", "abc-dirty"}}, {}, own_metrics);
    EXPECT_EQ(digest, core::digest_of_file(folder / "sweep.h5"));
    FileReader const reader(folder / "sweep.h5", "alignsweep.sweep", 1);
    EXPECT_EQ(reader.attribute("/", "softwareVersion"), Attribute("1.2"));
    EXPECT_EQ(reader.attribute("/", "commit"), Attribute("abc-dirty"));
    for (char const* name : {"software", "date", "machine"}) { EXPECT_TRUE(reader.has_attribute("/", name)) << name; }

    for (std::string const& path : reader.datasets("/trials")) {
        EXPECT_EQ(reader.dims(path), std::vector<std::int64_t>{3}) << path;
    }
    EXPECT_EQ(reader.read<std::int64_t>("/trials/trial"), (std::vector<std::int64_t>{0, 1, 2}));
    EXPECT_EQ(reader.read<std::int64_t>("/trials/seed"), (std::vector<std::int64_t>{8, 7, 6}));
    EXPECT_EQ(reader.read_labels("/trials/method"), (std::vector<std::string>{"sft", "dpo", "kto"}));
    EXPECT_EQ(reader.read_labels("/trials/error"),
              (std::vector<std::string>{"", "", "step 7: NaN in gr\xc3\xbc\xc3\x9f"}));
    EXPECT_EQ(reader.read_labels("/trials/dpo.loss"), (std::vector<std::string>{"", "ipo", ""}));
    EXPECT_EQ(reader.read_labels("/trials/provenance/blas"), (std::vector<std::string>{"", "A; B", ""}));
    EXPECT_NO_THROW(check_sweep(folder / "sweep.h5"));
    auto const beta = reader.read<double>("/trials/dpo.beta");
    EXPECT_TRUE(std::isnan(beta[0]) && std::isnan(beta[2]));
    EXPECT_EQ(beta[1], 0.1);
    EXPECT_EQ(reader.read<double>("/trials/eval/gold_reward")[1], 4.25);
    EXPECT_EQ(reader.attribute("/trials/eval/kl", "units"), Attribute("nats per sequence"));

    EXPECT_EQ(reader.read<std::int64_t>("/curves/row"), (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(reader.read<std::int64_t>("/curves/trial"), (std::vector<std::int64_t>{1, 1, 2, 2, 2}));
    EXPECT_EQ(reader.read<std::int64_t>("/curves/step"), (std::vector<std::int64_t>{10, 20, 10, 20, 30}));
    EXPECT_EQ(reader.read<double>("/curves/loss"), (std::vector<double>{0.7, 0.6, 0.5, 0.4, 0.3}));
    auto const margins = reader.read<double>("/curves/rewards/margins");
    ASSERT_EQ(margins.size(), 5U);
    EXPECT_TRUE(margins[1] == 0.1 && std::isnan(margins[2]) && std::isnan(margins[4]));
    auto const kl = reader.read<double>("/curves/kl");
    EXPECT_TRUE(std::isnan(kl[0]) && kl[4] == 3.0);
}

TEST(Sweep, none_and_one_row_work) {
    TemporaryFolder const folder;
    write_sweep(folder / "none.h5", {}, {}, {});
    FileReader const none(folder / "none.h5");
    EXPECT_TRUE(none.read<std::int64_t>("/trials/trial").empty());
    EXPECT_TRUE(none.read_labels("/trials/status").empty());
    EXPECT_TRUE(none.read<std::int64_t>("/curves/step").empty());
    write_sweep(folder / "one.h5", {TrialRow{}}, {Curve{}}, {});
    FileReader const one(folder / "one.h5");
    EXPECT_EQ(one.read_labels("/trials/status"), std::vector<std::string>{""});
    EXPECT_TRUE(one.read<std::int64_t>("/curves/step").empty());
}

TEST(Sweep, clashes_and_lengths_that_differ_are_refused) {
    TemporaryFolder const folder;
    auto rows = sample_rows();
    rows[0].metrics = {{"seconds", 1.0}};
    EXPECT_THROW(write_sweep(folder / "f.h5", rows, {}, {}), std::logic_error);
    rows[0].metrics = {{"eval", 1.0}};
    EXPECT_THROW(write_sweep(folder / "f.h5", rows, {}, {}), std::logic_error);
    EXPECT_THROW(write_sweep(folder / "f.h5", {}, {{0, {1}, {{"loss", {1, 2}}}}}, {}), std::logic_error);
    EXPECT_THROW(write_sweep(folder / "f.h5", {}, {{0, {1}, {{"loss", {1}}, {"loss", {2}}}}}, {}), std::logic_error);
    EXPECT_TRUE(folder.names().empty());
}

// readers_test.py names a folder, and opens there what this writes.
TEST(Samples, are_written_for_other_readers) {
    TemporaryFolder const own;
    char const* const asked = std::getenv("ALIGNSWEEP_SAMPLES");
    std::filesystem::path const folder = asked != nullptr ? std::filesystem::path(asked) : own.path();
    write_sweep(folder / "sweep.h5", sample_rows(), sample_curves(), {}, {}, own_metrics);
    write_sweep(folder / "none.h5", {}, {}, {});
    MetricStream stream;
    stream.append(1, {{"loss", 0.5}});
    stream.append(2, {{"loss", 0.25}, {"objective/kl", 3.0}});
    stream.publish(folder / "metrics.h5", own_metrics);
    std::vector<float> const weights = {0, 1, 2, 3, 4, 5};
    CheckpointView view;
    view.tensors = {{"model.norm.weight", {2, 3}, std::span<float const>(weights)}};
    view.state = {{"step", std::int64_t{7}}};
    view.attributes = {{"name", "nano"}};
    save_checkpoint(folder / "checkpoint.h5", view);
    FileWriter text(folder / "data.h5", "alignsweep.data", 1);
    text.write_text("/prompts", {"caf\xc3\xa9", "", std::string("\0\xff", 2)});
    text.publish();
    for (char const* name : {"sweep.h5", "none.h5", "metrics.h5", "checkpoint.h5", "data.h5"}) {
        EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
    }
}

}  // namespace
}  // namespace alignsweep::store
