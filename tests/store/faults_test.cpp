// SPDX-License-Identifier: Apache-2.0
// Publishing that fails, and files that are damaged, foreign or absent: one clear line, nothing half-written.
#include "store/file.hpp"
#include "store/publish.hpp"
#include "store/temporary_folder.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <numeric>

namespace alignsweep::store {
namespace {

namespace fs = std::filesystem;
using testing::content;
using testing::message_of;
using testing::overwrite;
using testing::TemporaryFolder;

std::vector<double> numbers(std::size_t n) {
    std::vector<double> values(n);
    std::iota(values.begin(), values.end(), 1.0);
    return values;
}

void write_sample(fs::path const& file) {
    FileWriter writer(file, "test", 1);
    writer.write("/loss", numbers(4096));
    writer.write_labels("/status", {"done"});
    writer.publish();
}

// While it lives, no file of this process grows beyond `bytes`: a full disk.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) {
        previous_handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &previous_);
        rlimit const limit = {bytes, previous_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &previous_);
        std::signal(SIGXFSZ, previous_handler_);
    }

private:
    rlimit previous_{};
    void (*previous_handler_)(int) = nullptr;
};

TEST(Publish, nothing_is_visible_before_and_nothing_else_after) {
    TemporaryFolder const folder;
    {
        FileWriter writer(folder / "f.h5", "test", 1);
        writer.write("/x", numbers(10));
        EXPECT_TRUE(folder.names().empty());
    }
    EXPECT_TRUE(folder.names().empty()) << "a writer that was dropped left something behind";
    write_sample(folder / "f.h5");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"f.h5"});
}

TEST(Publish, a_full_disk_keeps_the_old_file_and_leaves_no_temporary) {
    TemporaryFolder const folder;
    write_sample(folder / "f.h5");
    std::string const before = content(folder / "f.h5");
    FileWriter writer(folder / "f.h5", "test", 1);
    writer.write("/x", numbers(100'000));
    {
        FullDisk const full(10'000);
        EXPECT_CONTAINS(message_of<core::IoError>([&] { writer.publish(); }), "f.h5: writing failed: ");
        EXPECT_CONTAINS(
            message_of<core::IoError>([&] { write_text_atomically(folder / "t", std::string(20'000, 'x')); }),
            "t: writing failed: ");
    }
    EXPECT_EQ(folder.names(), std::vector<std::string>{"f.h5"});
    EXPECT_EQ(content(folder / "f.h5"), before);
    write_sample(folder / "g.h5");  // and the library is still in order
    EXPECT_EQ(FileReader(folder / "g.h5").read<double>("/loss"), numbers(4096));
}

TEST(Publish, a_folder_that_is_missing_or_closed_is_named) {
    TemporaryFolder const folder;
    FileWriter writer(folder / "none" / "f.h5", "test", 1);
    EXPECT_EQ(message_of<core::IoError>([&] { writer.publish(); }),
              (folder / "none" / "f.h5").string() + ": can't be written: No such file or directory");
    if (::geteuid() == 0) { GTEST_SKIP() << "root may write everywhere"; }
    fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_CONTAINS(message_of<core::IoError>([&] { write_sample(folder / "f.h5"); }), "Permission denied");
    fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST(Publish, text_replaces_text_and_leftovers_can_be_removed) {
    TemporaryFolder const folder;
    write_text_atomically(folder / "t", "old");
    write_text_atomically(folder / "t", "");
    EXPECT_EQ(content(folder / "t"), "");
    write_text_atomically(folder / "t", "new\n");
    EXPECT_EQ(content(folder / "t"), "new\n");
    overwrite(folder / ".f.h5.alignsweep-tmp-1-0", "left by a killed process");
    remove_temporaries(folder.path());
    EXPECT_EQ(folder.names(), std::vector<std::string>{"t"});
    EXPECT_CONTAINS(message_of<core::IoError>([&] { remove_temporaries(folder / "none"); }), "can't be listed");
}

TEST(Damage, every_truncation_is_noticed) {
    TemporaryFolder const folder;
    write_sample(folder / "f.h5");
    std::string const whole = content(folder / "f.h5");
    for (std::size_t const length :
         {whole.size() - 1, whole.size() / 2, std::size_t{60}, std::size_t{1}, std::size_t{0}}) {
        overwrite(folder / "cut.h5", whole.substr(0, length));
        std::string const message = message_of<core::IoError>([&] { FileReader reader(folder / "cut.h5", "test", 1); });
        EXPECT_CONTAINS(message, (folder / "cut.h5").string());
        EXPECT_TRUE(message.find("truncated") != std::string::npos || message.find("not an HDF5") != std::string::npos)
            << message;
    }
}

// Finds the payload by its content and flips one bit in it.
TEST(Damage, a_flipped_bit_in_the_payload_is_noticed) {
    TemporaryFolder const folder;
    write_sample(folder / "f.h5");
    std::string bytes = content(folder / "f.h5");
    std::vector<double> const payload = numbers(4096);
    std::size_t const begin = bytes.find(std::string(reinterpret_cast<char const*>(payload.data()), 8 * 4096));
    ASSERT_NE(begin, std::string::npos);
    for (std::size_t const place : {begin, begin + 12'345, begin + 8 * 4096 - 1}) {
        for (int const bit : {0, 7}) {
            std::string flipped = bytes;
            flipped[place] = static_cast<char>(flipped[place] ^ (1 << bit));
            overwrite(folder / "flipped.h5", flipped);
            FileReader const reader(folder / "flipped.h5", "test", 1);
            std::string const message = message_of<core::IoError>([&] { (void)reader.read<double>("/loss"); });
            EXPECT_CONTAINS(message, (folder / "flipped.h5").string() + ": dataset /loss: can't be read: ");
            EXPECT_CONTAINS(message, "Fletcher32");
        }
    }
}

// A bit anywhere: an IoError or the right values, never wrong ones.
TEST(Damage, no_flipped_bit_gives_wrong_values) {
    TemporaryFolder const folder;
    write_sample(folder / "f.h5");
    std::string const bytes = content(folder / "f.h5");
    int noticed = 0;
    for (std::size_t place = 0; place < bytes.size(); place += 97) {
        std::string flipped = bytes;
        flipped[place] = static_cast<char>(flipped[place] ^ (1 << (place % 8)));
        overwrite(folder / "flipped.h5", flipped);
        try {
            FileReader const reader(folder / "flipped.h5", "test", 1);
            EXPECT_EQ(reader.read<double>("/loss"), numbers(4096)) << "byte " << place;
            EXPECT_EQ(reader.read_labels("/status"), std::vector<std::string>{"done"}) << "byte " << place;
        } catch (core::IoError const&) { ++noticed; }
    }
    EXPECT_GT(noticed, 300);
}

TEST(Foreign, files_that_are_not_ours_are_refused_in_one_line) {
    TemporaryFolder const folder;
    auto const refusal = [&](std::string const& name) {
        return message_of<core::IoError>([&] { FileReader reader(folder / name, "test", 1); });
    };
    EXPECT_EQ(refusal("none.h5"), (folder / "none.h5").string() + ": can't be read: No such file or directory");
    overwrite(folder / "text.h5", std::string(5000, 'x'));
    EXPECT_EQ(refusal("text.h5"), (folder / "text.h5").string() + ": is not an HDF5 file");
    fs::create_directory(folder / "dir.h5");
    EXPECT_CONTAINS(refusal("dir.h5"), "is a folder");
    FileWriter(folder / "other.h5", "other", 1).publish();
    EXPECT_CONTAINS(refusal("other.h5"), "other.h5: has schema 'other', expected 'test'");
    FileWriter(folder / "newer.h5", "test", 2).publish();
    EXPECT_CONTAINS(refusal("newer.h5"), "newer.h5: has version 2 of schema 'test', this program reads version 1");
}

TEST(Foreign, defects_of_a_dataset_are_named) {
    TemporaryFolder const folder;
    FileWriter writer(folder / "f.h5", "test", 1);
    writer.write("/real", numbers(2));
    writer.write("/integer", std::vector<std::int64_t>{1, 300});
    writer.write("/group/x", numbers(1));
    writer.write("/text/bytes", std::vector<std::uint8_t>{1, 2, 3});
    writer.write("/text/offsets", std::vector<std::int64_t>{0, 5, 3});
    writer.write_labels("/label", {"done"});
    writer.publish();
    FileReader const reader(folder / "f.h5");
    auto const refusal = [&](auto action) { return message_of<core::IoError>(action); };
    std::string const dataset = (folder / "f.h5").string() + ": dataset ";
    EXPECT_EQ(refusal([&] { (void)reader.read<double>("/group/y"); }), dataset + "/group/y: missing");
    EXPECT_EQ(refusal([&] { (void)reader.read<double>("/real/y"); }), dataset + "/real/y: missing");
    EXPECT_EQ(refusal([&] { (void)reader.read<double>("/group"); }), dataset + "/group: is a group");
    EXPECT_CONTAINS(refusal([&] { (void)reader.read<std::int64_t>("/real"); }), "/real: holds another type");
    EXPECT_CONTAINS(refusal([&] { (void)reader.read<std::uint8_t>("/integer"); }), "bytes (u8) expected");
    EXPECT_CONTAINS(refusal([&] { (void)reader.read<double>("/label"); }), "/label: holds another type");
    EXPECT_CONTAINS(refusal([&] { (void)reader.read_labels("/real"); }), "/real: fixed-length text expected");
    EXPECT_CONTAINS(refusal([&] { (void)reader.read_text("/text"); }), "/text/offsets: must rise");
    EXPECT_CONTAINS(refusal([&] { (void)reader.list("/real"); }), "group /real: missing");
    EXPECT_EQ(reader.read<double>("/integer"), (std::vector<double>{1, 300}));
    EXPECT_EQ(reader.read<float>("/real"), (std::vector<float>{1, 2}));
}

}  // namespace
}  // namespace alignsweep::store
