// SPDX-License-Identifier: Apache-2.0
// Round trips of everything a file can hold, and names that must be refused.
#include "store/file.hpp"
#include "core/digest.hpp"
#include "store/paths.hpp"
#include "store/temporary_folder.hpp"

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <thread>

namespace alignsweep::store {
namespace {

using testing::content;
using testing::message_of;
using testing::TemporaryFolder;

template <class T>
std::vector<T> extremes() {
    using Limits = std::numeric_limits<T>;
    std::vector<T> values = {Limits::lowest(), Limits::max(), Limits::min(), T{0}, T{1}};
    if constexpr (std::floating_point<T>) {
        for (T const special : {Limits::infinity(), -Limits::infinity(), Limits::denorm_min(), -T{0}, T{0.1F}}) {
            values.push_back(special);
        }
    }
    return values;
}

template <class T>
class Column : public ::testing::Test {};
using Elements = ::testing::Types<std::int64_t, float, double, std::uint8_t>;
TYPED_TEST_SUITE(Column, Elements);

TYPED_TEST(Column, comes_back_bit_for_bit) {
    TemporaryFolder const folder;
    std::vector<TypeParam> const values = extremes<TypeParam>();
    // More than one chunk, and the last one not full.
    std::vector<TypeParam> large(700'001);
    std::iota(large.begin(), large.end(), TypeParam{0});
    FileWriter writer(folder / "f.h5", "test", 1);
    writer.write("/values", values);
    writer.write("/deep/er/one", std::vector<TypeParam>{7});
    writer.write("/large", large);
    writer.write("/empty", std::vector<TypeParam>{});
    writer.write("/cube", std::span<TypeParam const>(values).first(4), {1, 2, 2});
    writer.write("/none", std::span<TypeParam const>(), {3, 0});
    writer.publish();

    FileReader const reader(folder / "f.h5", "test", 1);
    auto const back = reader.read<TypeParam>("/values");
    ASSERT_EQ(back.size(), values.size());
    EXPECT_EQ(std::memcmp(back.data(), values.data(), values.size() * sizeof(TypeParam)), 0);
    EXPECT_EQ(reader.read<TypeParam>("/deep/er/one"), std::vector<TypeParam>{7});
    EXPECT_EQ(reader.read<TypeParam>("/large"), large);
    EXPECT_TRUE(reader.read<TypeParam>("/empty").empty());
    EXPECT_EQ(reader.dims("/empty"), (std::vector<std::int64_t>{0}));
    EXPECT_EQ(reader.dims("/cube"), (std::vector<std::int64_t>{1, 2, 2}));
    EXPECT_EQ(reader.dims("/none"), (std::vector<std::int64_t>{3, 0}));
    EXPECT_TRUE(reader.read<TypeParam>("/none").empty());
}

TEST(File, keeps_the_sign_and_presence_of_nan) {
    TemporaryFolder const folder;
    FileWriter writer(folder / "f.h5", "test", 1);
    writer.write("/nan", std::vector<double>{std::nan("")});
    writer.publish();
    EXPECT_TRUE(std::isnan(FileReader(folder / "f.h5").read<double>("/nan").at(0)));
}

TEST(File, text_of_any_bytes_comes_back) {
    TemporaryFolder const folder;
    std::vector<std::string> const texts = {"", std::string("a\0b", 3), "\xff\xfe broken", "gr\xc3\xbc\xc3\x9f", "\n"};
    FileWriter writer(folder / "f.h5", "test", 1);
    writer.write_text("/prompts", texts);
    writer.write_text("/none", {});
    writer.publish();
    FileReader const reader(folder / "f.h5");
    EXPECT_EQ(reader.read_text("/prompts"), texts);
    EXPECT_EQ(reader.dims("/prompts/offsets"), (std::vector<std::int64_t>{6}));
    EXPECT_TRUE(reader.read_text("/none").empty());
}

TEST(File, labels_are_padded_and_keep_their_bytes) {
    TemporaryFolder const folder;
    FileWriter writer(folder / "f.h5", "test", 1);
    std::vector<std::string> const labels = {"done", "", "数据甲.jsonl", "数据乙.jsonl", "caf\xc3\xa9\n", "\xff"};
    writer.write_labels("/status", labels);
    writer.write_labels("/none", {});
    writer.write_labels("/blank", {""});
    writer.publish();
    FileReader const reader(folder / "f.h5");
    EXPECT_EQ(reader.read_labels("/status"), labels);
    EXPECT_TRUE(reader.read_labels("/none").empty());
    EXPECT_EQ(reader.read_labels("/blank"), std::vector<std::string>{""});
    EXPECT_EQ(reader.type("/status"), ElementType::label);
    FileWriter bad(folder / "g.h5", "test", 1);
    EXPECT_THROW(bad.write_labels("/x", {std::string("a\0", 2)}), std::logic_error);  // would come back as "a"
}

TEST(File, attributes_come_back_on_root_groups_and_datasets) {
    TemporaryFolder const folder;
    FileWriter writer(folder / "f.h5", "test", 3);
    writer.write("/x", std::vector<double>{1.5});
    std::string const long_text(100'000, 'c');  // beyond the 64 KiB that a compact attribute holds
    writer.set_attribute("/", "seed", std::numeric_limits<std::int64_t>::max());
    writer.set_attribute("/", "config", long_text);
    writer.set_attribute("/state/optimizer", "beta", 0.1);
    writer.set_attribute("/x", "units", "nats per sequence");
    writer.set_attribute("/x", "empty", "");
    writer.set_attribute("/x", "path", "/home/ren\xc3\xa9");
    writer.set_attribute("/x", "units", "replaced");
    for (int i = 0; i < 20; ++i) { writer.set_attribute("/many", std::to_string(i), i); }
    writer.publish();
    FileReader const reader(folder / "f.h5", "test", 3);
    EXPECT_EQ(reader.attribute("/", "seed"), Attribute(std::numeric_limits<std::int64_t>::max()));
    EXPECT_EQ(reader.attribute("/", "config"), Attribute(long_text));
    EXPECT_EQ(reader.attribute("/state/optimizer", "beta"), Attribute(0.1));
    std::map<std::string, Attribute> const expected = {
        {"units", "replaced"}, {"empty", ""}, {"path", "/home/ren\xc3\xa9"}};
    EXPECT_EQ(reader.attributes("/x"), expected);
    EXPECT_EQ(reader.attributes("/many").size(), 20U);
    EXPECT_FALSE(reader.has_attribute("/x", "unit"));
    EXPECT_EQ(message_of<core::IoError>([&] { (void)reader.attribute("/x", "unit"); }),
              (folder / "f.h5").string() + ": attribute unit of /x: missing");
}

TEST(File, lists_in_the_order_of_writing) {
    TemporaryFolder const folder;
    FileWriter writer(folder / "f.h5", "test", 1);
    for (char const* name : {"/g/z", "/g/a/x", "/g/m", "/b"}) { writer.write(name, std::vector<double>{1}); }
    writer.publish();
    FileReader const reader(folder / "f.h5");
    EXPECT_EQ(reader.list("/g"), (std::vector<std::string>{"z", "a", "m"}));
    EXPECT_EQ(reader.datasets("/"), (std::vector<std::string>{"/g/z", "/g/a/x", "/g/m", "/b"}));
    EXPECT_TRUE(reader.is_group("/g/a"));
    EXPECT_FALSE(reader.is_group("/b"));
    EXPECT_TRUE(reader.contains("/"));
    EXPECT_TRUE(reader.contains("/g/a/x"));
    for (char const* name : {"/c", "/b/c", "/q/r/s", "", "/", "g"}) {
        EXPECT_EQ(reader.contains(name), std::string(name) == "/") << name;
    }
}

TEST(File, scales_keep_the_attributes_of_their_own_out_of_sight) {
    TemporaryFolder const folder;
    FileWriter writer(folder / "f.h5", "test", 1);
    writer.write("/step", std::vector<std::int64_t>{});
    writer.write("/loss", std::vector<double>{});
    writer.make_scale("/step", "step");
    writer.attach_scale("/loss", 0, "/step");
    writer.publish();
    FileReader const reader(folder / "f.h5");
    EXPECT_TRUE(reader.attributes("/step").empty());
    EXPECT_TRUE(reader.attributes("/loss").empty());
}

TEST(File, equal_content_gives_equal_bytes_at_any_time) {
    TemporaryFolder const folder;
    std::vector<std::string> digests;
    for (char const* name : {"a.h5", "b.h5"}) {
        FileWriter writer(folder / name, "test", 1);
        writer.write("/group/step", std::vector<std::int64_t>{1, 2});
        writer.write("/group/loss", std::vector<double>{1, 2});
        writer.make_scale("/group/step", "step");
        writer.attach_scale("/group/loss", 0, "/group/step");
        writer.set_attribute("/state", "x", 1.0);
        digests.push_back(writer.publish());
        if (digests.size() == 1) { std::this_thread::sleep_for(std::chrono::milliseconds(1100)); }
    }
    EXPECT_EQ(content(folder / "a.h5"), content(folder / "b.h5"));
    EXPECT_EQ(digests[0], digests[1]);
    EXPECT_EQ(digests[0], core::digest_of_file(folder / "a.h5"));
}

TEST(File, several_can_be_built_side_by_side) {
    TemporaryFolder const folder;
    FileWriter first(folder / "f.h5", "test", 1);
    FileWriter second(folder / "f.h5", "test", 1);
    first.write("/x", std::vector<double>{1});
    second.write("/x", std::vector<double>{2});
    first.publish();
    FileReader const old(folder / "f.h5");  // keeps the file it opened
    second.publish();
    EXPECT_EQ(old.read<double>("/x"), std::vector<double>{1});
    EXPECT_EQ(FileReader(folder / "f.h5").read<double>("/x"), std::vector<double>{2});
}

TEST(File, clashing_names_are_refused) {
    TemporaryFolder const folder;
    FileWriter writer(folder / "f.h5", "test", 1);
    std::vector<double> const one = {1};
    writer.write("/loss", one);
    writer.write("/eval/gold/correct", one);
    auto const refusal = [&](std::string const& path) {
        return message_of<std::logic_error>([&] { writer.write(path, one); });
    };
    EXPECT_CONTAINS(refusal("/loss"), "dataset /loss written twice");
    EXPECT_CONTAINS(refusal("/loss/policy"), "dataset /loss is a prefix path");
    EXPECT_CONTAINS(refusal("/eval/gold"), "would be a prefix path");
    EXPECT_CONTAINS(refusal("loss2"), "must begin with a slash");
    for (char const* path : {"/", "/a//b", "/a/", "/./a", "/a/..", "/with space", "/caf\xc3\xa9", ""}) {
        EXPECT_CONTAINS(refusal(path), "internal error") << path;
    }
    EXPECT_THROW(writer.write("/scalar", std::span<double const>(one), {}), std::logic_error);
    EXPECT_THROW(writer.write("/wrong", std::span<double const>(one), {2}), std::logic_error);
    writer.publish();
    EXPECT_THROW(writer.write("/late", one), std::logic_error);
    EXPECT_THROW(writer.publish(), std::logic_error);
}

TEST(Paths, prefix_clashes_are_found_across_other_names) {
    EXPECT_EQ(prefix_clash({"a/b", "a-b", "a", "b"}), "'a' is a prefix path of 'a/b'");
    EXPECT_EQ(prefix_clash({"a/b/c", "x", "a"}), "'a' is a prefix path of 'a/b/c'");
    EXPECT_EQ(prefix_clash({"loss", "loss_avg", "policy/loss", "lo"}), "");
    EXPECT_EQ(prefix_clash({}), "");
}

}  // namespace
}  // namespace alignsweep::store
