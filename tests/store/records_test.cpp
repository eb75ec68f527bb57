// SPDX-License-Identifier: Apache-2.0
// Metric streams, checkpoints and manifests.
#include "core/digest.hpp"
#include "store/checkpoint.hpp"
#include "store/manifest.hpp"
#include "store/metric_names.hpp"
#include "store/metrics.hpp"
#include "store/paths.hpp"
#include "store/temporary_folder.hpp"

#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <set>

namespace alignsweep::store {
namespace {

using testing::content;
using testing::message_of;
using testing::overwrite;
using testing::TemporaryFolder;

TEST(MetricNames, units_follow_families_and_intervals) {
    EXPECT_EQ(metric_info("kl").unit, "nats per sequence");
    EXPECT_EQ(metric_info("kl_low").unit, "nats per sequence");
    EXPECT_EQ(metric_info("rewards/margins_high").description, "upper end of the interval of rewards/margins");
    EXPECT_EQ(metric_info("cost/flops/total").unit, "flop");
    EXPECT_EQ(metric_info("cost/flops/total").description, "floating-point operations: total");
    EXPECT_EQ(metric_info("my/own").unit, "1");
    std::vector<MetricInfo> const own{{"my/own", "m", "mine"}, {"my/", "s", "of mine: "}};
    EXPECT_EQ(metric_info("my/own", own).unit, "m");
    EXPECT_EQ(metric_info("my/other", own).unit, "s");
    EXPECT_EQ(metric_info("my/other", own).description, "of mine: other");
    EXPECT_EQ(metric_info("my/own_low", {own.data(), 1}).unit, "m");
    for (char const* name : {"step", "status", "seed", "trial/x", "a b", "", "/a", "a/"}) {
        EXPECT_THROW(check_metric_name(name), std::logic_error) << name;
    }
}

MetricStream stream_until(std::int64_t last) {
    MetricStream stream;
    for (std::int64_t step = 1; step <= last; ++step) {
        double const x = 1.0 / static_cast<double>(step);
        stream.append(step, {{"loss", x}, {"rewards/margins", -x}});
        if (step % 3 == 0) { stream.append(step, {{"eval/kl", step == 3 ? std::nan("") : x}}); }
    }
    return stream;
}

TEST(Metrics, a_resumed_stream_equals_one_never_interrupted) {
    TemporaryFolder const folder;
    std::string const expected = stream_until(10).publish(folder / "whole.h5");
    for (std::int64_t const checkpoint : {0, 2, 3, 5, 10}) {
        stream_until(8).publish(folder / "metrics.h5");
        MetricStream stream = MetricStream::load(folder / "metrics.h5");
        stream.trim(checkpoint);
        ASSERT_EQ(stream.steps().size(), static_cast<std::size_t>(std::min<std::int64_t>(checkpoint, 8)));
        EXPECT_EQ(stream.names(), stream_until(std::min<std::int64_t>(checkpoint, 8)).names());
        MetricStream const all = stream_until(10);
        for (std::size_t i = stream.steps().size(); i < 10; ++i) {
            std::int64_t const step = all.steps()[i];
            stream.append(step, {{"rewards/margins", all.column("rewards/margins")[i]}});
            stream.append(step, {{"loss", all.column("loss")[i]}});
            if (step % 3 == 0) { stream.append(step, {{"eval/kl", all.column("eval/kl")[i]}}); }
        }
        EXPECT_EQ(stream.publish(folder / "metrics.h5"), expected) << "checkpoint at step " << checkpoint;
    }
}

TEST(Metrics, columns_begin_with_nan_and_may_be_empty) {
    TemporaryFolder const folder;
    MetricStream stream;
    stream.publish(folder / "none.h5");
    EXPECT_TRUE(MetricStream::load(folder / "none.h5").steps().empty());
    stream.append(1, {});
    stream.append(4, {{"loss", 2.0}});
    stream.publish(folder / "m.h5");
    MetricStream const back = MetricStream::load(folder / "m.h5");
    EXPECT_EQ(back.steps(), (std::vector<std::int64_t>{1, 4}));
    EXPECT_TRUE(std::isnan(back.column("loss").at(0)));
    EXPECT_EQ(back.column("loss").at(1), 2.0);
    EXPECT_EQ(FileReader(folder / "m.h5").attribute("/loss", "units"), Attribute("1"));
    EXPECT_THROW((void)back.column("los"), std::logic_error);
}

TEST(Metrics, wrong_names_and_steps_that_fall_are_refused) {
    MetricStream stream;
    stream.append(2, {{"loss", 1.0}});
    EXPECT_CONTAINS(message_of<std::logic_error>([&] {
                        stream.append(2, {{"loss/policy_avg", 1.0}});
                    }),
                    "'loss' is a prefix path of 'loss/policy_avg'");
    EXPECT_THROW(stream.append(1, {}), std::logic_error);
    EXPECT_THROW(stream.append(3, {{"step", 1.0}}), std::logic_error);
}

TEST(Metrics, columns_of_unequal_length_are_an_error) {
    TemporaryFolder const folder;
    FileWriter writer(folder / "m.h5", "alignsweep.metrics", 1);
    writer.write("/step", std::vector<std::int64_t>{1, 2});
    writer.write("/loss", std::vector<double>{1});
    writer.publish();
    EXPECT_CONTAINS(message_of<core::IoError>([&] { MetricStream::load(folder / "m.h5"); }),
                    "dataset /loss: 1 rows, but /step has 2");
}

TEST(Checkpoint, comes_back_with_types_order_and_state) {
    TemporaryFolder const folder;
    std::vector<float> const weights = {1.5F, -0.0F, 3e-40F, 4, 5, 6};
    std::vector<double> const gain = {0.1, 0.2};
    std::string const q = "model.layers.0.self_attn.q_proj.weight";
    CheckpointView view;
    view.tensors = {{q, {2, 3}, std::span<float const>(weights)}, {"a.norm", {2}, std::span<double const>(gain)}};
    view.optimizer = {{"m", std::span<float const>(weights)}, {"v", std::span<double const>(gain)}};
    view.state = {{"step", std::int64_t{1} << 60}, {"kl_coef", 0.1}};
    view.attributes = {{"layers", std::int64_t{2}}, {"name", "nano"}, {"rope_theta", 1e4}};
    std::string const digest = save_checkpoint(folder / "c.h5", view);
    EXPECT_EQ(digest, core::digest_of_file(folder / "c.h5"));

    Checkpoint const back = load_checkpoint(folder / "c.h5");
    ASSERT_EQ(back.tensors.size(), 2U);
    EXPECT_EQ(back.tensors[0].name, q);
    EXPECT_EQ(back.tensors[0].dims, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(back.tensors[0].values, OwnedReals(weights));
    EXPECT_EQ(back.tensors[1].values, OwnedReals(gain));
    EXPECT_EQ(back.optimizer.at("m"), OwnedReals(weights));
    EXPECT_EQ(back.optimizer.at("v"), OwnedReals(gain));
    EXPECT_EQ(back.state, view.state);
    EXPECT_EQ(back.attributes, view.attributes);

    save_checkpoint(folder / "empty.h5", {});
    Checkpoint const empty = load_checkpoint(folder / "empty.h5");
    EXPECT_TRUE(empty.tensors.empty() && empty.optimizer.empty() && empty.state.empty() && empty.attributes.empty());
}

TEST(Checkpoint, foreign_files_and_types_are_named) {
    TemporaryFolder const folder;
    MetricStream().publish(folder / "m.h5");
    EXPECT_CONTAINS(message_of<core::IoError>([&] { (void)load_checkpoint(folder / "m.h5"); }),
                    "has schema 'alignsweep.metrics', expected 'alignsweep.checkpoint'");
    FileWriter writer(folder / "c.h5", "alignsweep.checkpoint", 1);
    writer.write("/parameters/w", std::vector<std::int64_t>{1});
    writer.publish();
    EXPECT_CONTAINS(message_of<core::IoError>([&] { (void)load_checkpoint(folder / "c.h5"); }),
                    "dataset /parameters/w: must be float32 or float64");
}

// A stage as the program leaves it: named after its identity, with the files that its manifest names.
Manifest sample_manifest() {
    Manifest manifest;
    manifest.kind = "align";
    manifest.inputs = {{"sft", "sft-abcd"}};
    manifest.metrics = {{"loss", 0.1},
                        {"third", 1.0 / 3.0},
                        {"tiny", 5e-324},
                        {"minus_zero", -0.0},
                        {"whole", 3.0},
                        {"huge", std::numeric_limits<double>::max()},
                        {"up", std::numeric_limits<double>::infinity()},
                        {"down", -std::numeric_limits<double>::infinity()}};
    manifest.facts = {{"commit", "c774-dirty"},
                      {"quote", "a \"b\"\n\\"},
                      {"identity", "kind=align\nversion=1\ninput.sft=sft-abcd\n"}};
    manifest.key = key_of_identity(manifest.facts["identity"]);
    manifest.seconds = 12.5;
    manifest.costs = {{"cost/flops/total", 1e15}};
    return manifest;
}

class StageFolder {
public:
    StageFolder() : manifest(sample_manifest()) {
        path = folder / "results é" / "stages" / (manifest.kind + "-" + manifest.key);
        std::filesystem::create_directories(path);
        for (char const* name : {"a.h5", "b.h5"}) {
            overwrite(path / name, name);
            manifest.files[name] = describe_file(path / name);
        }
        write_manifest(path, manifest);
    }
    [[nodiscard]] std::string refusal(void (*check)(std::filesystem::path const&, Manifest const&)) const {
        std::string const message = message_of<core::IoError>([&] { check(path, manifest); });
        EXPECT_CONTAINS(message, "; `alignsweep repair '" + (folder / "results é").string() + "'`");
        return message;
    }

    TemporaryFolder folder;
    std::filesystem::path path;
    Manifest manifest;
};

TEST(Manifest, comes_back_exactly_nan_and_infinity_included) {
    TemporaryFolder const folder;
    EXPECT_EQ(read_manifest(folder.path()), std::nullopt);
    Manifest manifest = sample_manifest();
    manifest.files = {{"a.h5", {"0123", 7, 1'700'000'000'123'456'789}}};
    write_manifest(folder.path(), manifest);
    auto const back = read_manifest(folder.path());
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(*back, manifest);
    EXPECT_TRUE(std::signbit(back->metrics.at("minus_zero")));
    manifest.metrics["nan"] = std::nan("");
    write_manifest(folder.path(), manifest);
    EXPECT_TRUE(std::isnan(read_manifest(folder.path())->metrics.at("nan")));
    manifest.facts["host"] = "\xff";  // not UTF-8: kept readable, never fatal
    write_manifest(folder.path(), manifest);
    EXPECT_EQ(read_manifest(folder.path())->facts.at("host"), "\xef\xbf\xbd");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"stage.json"});
}

TEST(Manifest, malformed_ones_are_refused_in_one_line) {
    TemporaryFolder const folder;
    write_manifest(folder.path(), sample_manifest());
    std::string const good = content(folder / "stage.json");
    auto const refusal = [&](std::string const& text) {
        overwrite(folder / "stage.json", text);
        std::string const message = message_of<core::IoError>([&] { (void)read_manifest(folder.path()); });
        EXPECT_CONTAINS(message, (folder / "stage.json").string() + ":");
        EXPECT_CONTAINS(message, "alignsweep repair");
        return message;
    };
    auto const with = [&](std::string const& from, std::string const& to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    EXPECT_CONTAINS(refusal(with("alignsweep.stage", "other")), "is not a manifest");
    EXPECT_CONTAINS(refusal(with("\"schema_version\": 2", "\"schema_version\": 1")), "has version 1");
    EXPECT_CONTAINS(refusal(with("\"digest\"", "\"digests\"")), "'digest' is missing");
    for (std::size_t const length : {std::size_t{0}, good.size() / 2, good.size() - 2}) {
        EXPECT_CONTAINS(refusal(good.substr(0, length)), "not valid JSON");
    }
    EXPECT_CONTAINS(refusal("[]"), "is not a manifest");
    EXPECT_CONTAINS(refusal("7"), "is not a manifest");
    EXPECT_CONTAINS(refusal(std::string(75'000, '[')), "deeper");
    EXPECT_CONTAINS(refusal("{\"a\": 1e400}"), "field 'a'");
}

// Every single bit: nothing of a manifest can change without a word.
TEST(Manifest, a_flipped_bit_is_seen) {
    TemporaryFolder const folder;
    write_manifest(folder.path(), sample_manifest());
    std::string const good = content(folder / "stage.json");
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        std::string bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
        overwrite(folder / "stage.json", bad);
        EXPECT_THROW((void)read_manifest(folder.path()), core::IoError) << "bit " << bit;
    }
}

TEST(Manifest, stands_in_its_place) {
    StageFolder stage;
    EXPECT_NO_THROW(check_place(stage.path, stage.manifest));
    auto const with = [&](auto change) {
        Manifest const good = stage.manifest;
        change(stage.manifest);
        std::string const message = stage.refusal(check_place);
        stage.manifest = good;
        return message;
    };
    EXPECT_CONTAINS(with([](Manifest& m) { m.status = "running"; }), "status is 'running'");
    EXPECT_CONTAINS(with([](Manifest& m) { m.key[0] ^= 1; }), "not that of its identity");
    EXPECT_CONTAINS(with([](Manifest& m) { m.facts["identity"] += "x=1\n"; }), "not that of its identity");
    EXPECT_CONTAINS(with([](Manifest& m) { m.facts.erase("identity"); }), "not that of its identity");
    EXPECT_CONTAINS(with([](Manifest& m) { m.kind = "dpo"; }), "of the stage dpo-");
    EXPECT_CONTAINS(with([](Manifest& m) { m.inputs["sft"] = "sft-abce"; }), "kind and inputs");
    EXPECT_CONTAINS(with([](Manifest& m) { m.inputs.clear(); }), "kind and inputs");
    EXPECT_CONTAINS(with([](Manifest& m) { m.inputs["corpus"] = "corpus-1"; }), "kind and inputs");
}

TEST(Manifest, files_are_held_against_their_digests) {
    StageFolder stage;
    EXPECT_NO_THROW(verify_files(stage.path, stage.manifest));
    overwrite(stage.path / "b.h5", "B.h5");
    EXPECT_CONTAINS(stage.refusal(verify_files), (stage.path / "b.h5").string() + ": damaged or changed");
    std::filesystem::remove(stage.path / "b.h5");
    EXPECT_CONTAINS(stage.refusal(verify_files), "b.h5: No such file");
    stage.manifest.files = {{"../a.h5", {}}};
    EXPECT_CONTAINS(stage.refusal(verify_files), "in the same folder");
    EXPECT_CONTAINS(stage.refusal(check_files), "in the same folder");
}

TEST(Manifest, the_cheap_look_at_files_sees_size_and_time) {
    StageFolder stage;
    EXPECT_NO_THROW(check_files(stage.path, stage.manifest));
    auto const file = stage.path / "b.h5";
    auto const time = std::filesystem::last_write_time(file);
    overwrite(file, "longer");
    std::filesystem::last_write_time(file, time);
    EXPECT_CONTAINS(stage.refusal(check_files), "it has 6 bytes, stage.json says 4");
    // A copied folder has other times: its files are read.
    overwrite(file, "b.h5");
    std::filesystem::last_write_time(file, time + std::chrono::hours(1));
    EXPECT_NO_THROW(check_files(stage.path, stage.manifest));
    overwrite(file, "B.h5");
    EXPECT_CONTAINS(stage.refusal(check_files), "its digest is");
    std::filesystem::remove(file);
    EXPECT_CONTAINS(stage.refusal(check_files), "No such file");
    std::filesystem::create_directory(file);
    EXPECT_NE(stage.refusal(check_files), "");
}

TEST(Manifest, nothing_waits_on_a_pipe) {
    StageFolder stage;
    std::filesystem::remove(stage.path / "b.h5");
    ASSERT_EQ(::mkfifo((stage.path / "b.h5").c_str(), 0600), 0);
    EXPECT_CONTAINS(stage.refusal(check_files), "is not a regular file");
    EXPECT_CONTAINS(stage.refusal(verify_files), "is not a regular file");
}

TEST(Manifest, a_stage_is_held_against_the_input_that_it_was_made_from) {
    StageFolder stage;
    Manifest input = stage.manifest;
    stage.manifest.made_from = {{"sft", content_digest(input)}};
    EXPECT_EQ(input_defect(stage.path, stage.manifest, "sft", input), "");
    EXPECT_EQ(input_defect(stage.path, stage.manifest, "corpus", input), "") << "not noted";
    input.seconds += 1.0;
    input.files["a.h5"].modified_ns += 1;
    EXPECT_EQ(input_defect(stage.path, stage.manifest, "sft", input), "") << "made again, and the same";
    input.files["a.h5"].digest[0] ^= 1;
    EXPECT_CONTAINS(input_defect(stage.path, stage.manifest, "sft", input), "was made from another sft-abcd");
}

TEST(Manifest, something_else_in_the_place_of_a_stage) {
    TemporaryFolder const folder;
    overwrite(folder / "a file", "x");
    std::filesystem::create_symlink("nowhere", folder / "a link");
    for (char const* name : {"a file", "a link"}) {
        EXPECT_CONTAINS(message_of<core::IoError>([&] { (void)read_manifest(folder / name); }), "is not a folder");
    }
    EXPECT_EQ(read_manifest(folder / "nothing"), std::nullopt);
}

}  // namespace
}  // namespace alignsweep::store
